//! When to try again, and after how long.

use std::time::{Duration, SystemTime};

use crate::error::Error;

/// The longest wait that doubling leads to.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest wait that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// How often something is tried that may well succeed the next time.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Tries in a row that bring nothing before giving up.
    pub tries: u32,
    /// The wait after the first; it doubles with every further one, up to a minute.
    pub first: Duration,
}

/// Why a try brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The next try may do better: a cut connection, a busy server.
    Passing {
        reason: String,
        /// The wait that the server asked for.
        asked: Option<Duration>,
    },
    /// Trying again is no use.
    Final(Error),
}

impl Failure {
    pub fn passing(reason: impl ToString) -> Self {
        Self::Passing { reason: reason.to_string(), asked: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl RetryPolicy {
    /// The wait after the `failures`-th failure in a row: what the server asked for if that is longer.
    pub(super) fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST);
        doubled.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

/// The wait that a `Retry-After` header asks for: seconds, or a date.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
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
    fn waits_double_up_to_a_minute_and_heed_the_server() {
        let retry = RetryPolicy { tries: 9, first: Duration::from_secs(1) };
        let waits: Vec<u64> = (1..=9).map(|n| retry.wait(n, None).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(retry.wait(2, Some(Duration::from_secs(90))).as_secs(), 90);
        assert_eq!(retry.wait(5, Some(Duration::from_secs(3))).as_secs(), 16);
        assert_eq!(retry.wait(1, Some(Duration::from_secs(1_000_000))), LONGEST_ASKED);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:27:30 GMT").expect("a time");
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
