//! Retries: which failures are worth one, and the wait before it.

use std::time::{Duration, SystemTime};

use crate::error::Error;

/// The longest wait by doubling.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// The longest wait that a server may request.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// How often to retry after transient failures.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Consecutive tries without progress before giving up.
    pub tries: u32,
    /// The wait after the first such try; it doubles with each further one, up to a minute.
    pub first: Duration,
}

/// Why a try failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// A retry may succeed, such as after a closed connection or from a busy server.
    Transient {
        reason: String,
        /// The wait that the server requested.
        retry_after: Option<Duration>,
    },
    /// A retry would fail, too.
    Permanent(Error),
}

impl Failure {
    pub fn transient(reason: impl ToString) -> Self {
        Self::Transient { reason: reason.to_string(), retry_after: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Permanent(error)
    }
}

impl RetryPolicy {
    /// The wait after `failures` consecutive failures, at least as long as the server requested.
    pub(super) fn wait(&self, failures: u32, retry_after: Option<Duration>) -> Duration {
        let backoff = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(MAX_BACKOFF);
        backoff.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
    }
}

/// The wait that a `Retry-After` header requests: seconds, or a date.
pub(super) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value.trim()).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_respect_the_server() {
        let retry = RetryPolicy { tries: 9, first: Duration::from_secs(1) };
        let waits: Vec<u64> = (1..=9).map(|n| retry.wait(n, None).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(retry.wait(2, Some(Duration::from_secs(90))).as_secs(), 90);
        assert_eq!(retry.wait(5, Some(Duration::from_secs(3))).as_secs(), 16);
        assert_eq!(retry.wait(1, Some(Duration::from_secs(1_000_000))), MAX_RETRY_AFTER);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:27:30 GMT").expect("a time");
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
    }
}
