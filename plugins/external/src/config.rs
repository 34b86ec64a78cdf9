//! The configuration of a session: which program it starts, and with which settings of the method.

use std::path::PathBuf;

use physrep_abi::ErrorCode;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Failure, Result};

/// The configuration of a session, as the host writes it from a method's folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The method's name.
    pub name: String,
    /// The folder of the method, in which its program starts.
    pub folder: PathBuf,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Every setting with its default.
    defaults: Value,
    /// Those that differ.
    #[serde(default)]
    config: Value,
}

impl Config {
    /// Parses the JSON of a session's configuration.
    pub(crate) fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| {
            Failure::new(
                ErrorCode::CONFIG,
                format!("not the configuration of a program: {error}; this plugin runs folders with a method.toml"),
            )
        })
    }

    /// Every setting with its value.
    ///
    /// # Errors
    ///
    /// If a key is unknown or a value is of another type than its default; the message names it.
    pub(crate) fn settings(&self) -> Result<Value> {
        let mut settings = self.defaults.clone();
        if !self.config.is_null() {
            merge(&mut settings, &self.config, &self.name).map_err(|why| Failure::new(ErrorCode::CONFIG, why))?;
        }
        Ok(settings)
    }
}

/// Replaces the values of known keys.
fn merge(into: &mut Value, from: &Value, path: &str) -> Result<(), String> {
    match (into, from) {
        (Value::Object(known), Value::Object(given)) => given.iter().try_for_each(|(key, value)| {
            let keys = known.keys().cloned().collect::<Vec<_>>().join(", ");
            let slot = known.get_mut(key).ok_or_else(|| format!("`{path}` has no key `{key}`; it has: {keys}"))?;
            merge(slot, value, &format!("{path}.{key}"))
        }),
        (slot, value) if is_like(slot, value) => {
            *slot = value.clone();
            Ok(())
        }
        (slot, value) => Err(format!("`{path}` is {value}; expected {}, such as its default {slot}", kind(slot))),
    }
}

/// Whether a value may take the place of a default.
fn is_like(default: &Value, value: &Value) -> bool {
    match (default, value) {
        (Value::Number(default), Value::Number(value)) => default.is_f64() || !value.is_f64(),
        (default, value) => std::mem::discriminant(default) == std::mem::discriminant(value),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(given: Value) -> Result<Value, String> {
        let defaults = json!({ "dim": 8, "training": { "lr": 0.1 }, "mask": "tube" });
        let config = json!({ "name": "m", "folder": "/m", "command": ["m"], "defaults": defaults, "config": given });
        Config::parse(&config.to_string()).and_then(|config| config.settings()).map_err(|failure| failure.message)
    }

    #[test]
    fn given_keys_replace_defaults_and_others_are_refused_by_name() {
        let lr = settings(json!({ "training": { "lr": 1 } })).expect("known");
        assert_eq!(lr, json!({ "dim": 8, "training": { "lr": 1 }, "mask": "tube" }));
        assert_eq!(settings(Value::Null).expect("none")["dim"], 8);
        let refused = |given, expected: &str| assert_eq!(settings(given).expect_err("refused"), expected);
        refused(json!({ "speed": 3 }), "`m` has no key `speed`; it has: dim, mask, training");
        refused(json!({ "training": { "rate": 3 } }), "`m.training` has no key `rate`; it has: lr");
        refused(json!({ "dim": 0.5 }), "`m.dim` is 0.5; expected an integer, such as its default 8");
        refused(json!({ "training": 3 }), "`m.training` is 3; expected a table, such as its default {\"lr\":0.1}");
    }
}
