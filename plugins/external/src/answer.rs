//! What the program of a method writes: a line is a JSON object, and parsing one is a pure function of its bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

use crate::array::{Array, NamedArray};

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<T> {
    /// The answer to the request of this number: what was asked for, or why it failed.
    Answer(u64, Result<T, MethodError>),
    /// A value of a training curve, at any time between a request and its answer.
    Metric(Metric),
    /// A line for the log, likewise.
    Log(Log),
}

/// An error of the method.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodError {
    /// Its kind.
    pub kind: ErrorKind,
    /// One sentence, shown in the method's row.
    pub message: String,
}

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ErrorKind {
    Method,
    Config,
    Unsupported,
    Diverged,
    Checkpoint,
}

/// A value of a training curve.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Metric {
    pub name: String,
    pub step: u64,
    /// Null for one that is NaN or infinite, for which JSON has no word.
    pub value: Option<f64>,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Log {
    pub level: Level,
    pub message: String,
}

/// The severity of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Level {
    Warn,
    Info,
    Debug,
}

/// The answer to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol that the program speaks.
    pub protocol: u32,
    /// Versions of what it computes with, for the log.
    #[serde(default)]
    pub software: BTreeMap<String, String>,
}

/// The answer to a request that asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {}

/// The answer to `pretrain_step`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// The loss of the batch.
    pub loss: f64,
    /// The learning rate of the step, if the method has one.
    #[serde(default)]
    pub learning_rate: Option<f64>,
}

/// The answer to `encode` and `encode_forward`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// `(B, tokens, dim)`.
    pub tokens: Array,
}

/// The answer to `save`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The arrays of the state.
    pub arrays: Vec<NamedArray>,
}

/// The answer to `parameters`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The parameters.
    pub arrays: Vec<NamedArray>,
    /// The names of those that are the encoder's.
    pub encoder: Vec<String>,
}

/// The form of a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "T: DeserializeOwned")]
struct Form<T> {
    id: Option<u64>,
    ok: Option<T>,
    error: Option<MethodError>,
    metric: Option<Metric>,
    log: Option<Log>,
}

/// Parses a line, without its end, of which an answer is of type `T`.
///
/// # Errors
///
/// What was expected and what came.
pub fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<Line<T>, String> {
    let form: Form<T> = serde_json::from_slice(line).map_err(|error| format!("{error}, in {}", beginning(line)))?;
    match form {
        Form { id: Some(id), ok: Some(ok), error: None, metric: None, log: None } => Ok(Line::Answer(id, Ok(ok))),
        Form { id: Some(id), ok: None, error: Some(e), metric: None, log: None } => Ok(Line::Answer(id, Err(e))),
        Form { id: None, ok: None, error: None, metric: Some(metric), log: None } => Ok(Line::Metric(metric)),
        Form { id: None, ok: None, error: None, metric: None, log: Some(log) } => Ok(Line::Log(log)),
        _ => Err(format!(
            "expected `id` with either `ok` or `error`, or `metric` alone, or `log` alone, in {}",
            beginning(line)
        )),
    }
}

/// The beginning of a line, for messages.
fn beginning(line: &[u8]) -> String {
    const LENGTH: usize = 120;
    let text = String::from_utf8_lossy(&line[..line.len().min(LENGTH)]).into_owned();
    format!("{text:?}{}", if line.len() > LENGTH { " ..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_answer_a_metric_or_a_line_of_the_log() {
        let trained = parse::<Trained>(br#"{"id": 3, "ok": {"loss": 0.5}}"#);
        assert_eq!(trained, Ok(Line::Answer(3, Ok(Trained { loss: 0.5, learning_rate: None }))));
        let failed = parse::<Done>(br#"{"id": 4, "error": {"kind": "config", "message": "no key `x`"}}"#);
        let error = MethodError { kind: ErrorKind::Config, message: "no key `x`".into() };
        assert_eq!(failed, Ok(Line::Answer(4, Err(error))));
        let metric = parse::<Done>(br#"{"metric": {"name": "norm", "step": 2, "value": 1e-3}}"#);
        assert_eq!(metric, Ok(Line::Metric(Metric { name: "norm".into(), step: 2, value: Some(1e-3) })));
        let log = parse::<Done>(br#"{"log": {"level": "warn", "message": "slow"}}"#);
        assert_eq!(log, Ok(Line::Log(Log { level: Level::Warn, message: "slow".into() })));
    }

    #[test]
    fn other_lines_are_refused_with_what_was_expected() {
        for (line, expected) in [
            (r#"hello"#, "expected value"),
            (r#""#, "EOF"),
            (r#"{"id": 1, "ok": {"loss": NaN}}"#, "expected value"),
            (r#"{"id": 1, "ok": {"loss": 1e999}}"#, "number out of range"),
            (r#"{"id": 1, "ok": {}}"#, "missing field `loss`"),
            (r#"{"id": 1, "ok": {"loss": 1, "los": 2}}"#, "unknown field `los`"),
            (r#"{"id": 1, "ok": {"loss": 1, "loss": 2}}"#, "duplicate field `loss`"),
            (r#"{"id": 1, "id": 2, "ok": {"loss": 1}}"#, "duplicate field `id`"),
            (r#"{"id": -1, "ok": {"loss": 1}}"#, "invalid value: integer `-1`"),
            (r#"{"ok": {"loss": 1}}"#, "expected `id` with either `ok` or `error`"),
            (r#"{"id": 1, "ok": {"loss": 1}, "error": {"kind": "method", "message": ""}}"#, "either"),
            (r#"{"id": 1, "error": {"kind": "other", "message": ""}}"#, "unknown variant `other`"),
            (r#"{"id": 1} {"id": 2}"#, "trailing characters"),
        ] {
            let found = parse::<Trained>(line.as_bytes()).expect_err(line);
            assert!(found.contains(expected), "{line}: {found}");
        }
        let deep = [b"{\"id\":1,\"ok\":".as_slice(), &[b'['; 10_000]].concat();
        assert!(parse::<Trained>(&deep).is_err());
    }
}
