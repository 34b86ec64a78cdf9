//! What a method says of itself, and its configuration.

use serde_json::{Map, Value, json};

use crate::{
    check::{Check, Outcome},
    subject::{Failure, Spec},
};

/// The longest summary, in letters.
const LONGEST_SUMMARY: usize = 200;

pub const NAME: Check = Check {
    name: "name",
    what: "the name is of lower-case letters, digits and dashes, and no other row has it",
    why: "it is a row of tables, a folder of runs and the prefix of `--set`",
    mend: "change `ABOUT.name`",
    mend_program: Some("change `name` in method.toml"),
    quick: true,
    run: |subject, setting| {
        let name = subject.description()["name"].as_str().unwrap_or_default();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(allowed) {
            return Outcome::failed(format!("it is {name:?}"));
        }
        match setting.taken_names.iter().any(|taken| taken == name) {
            true => Outcome::failed(format!("there is a row `{name}` already")),
            false => Ok(Outcome::Passed(name.to_owned())),
        }
    },
};

pub const SUMMARY: Check = Check {
    name: "summary",
    what: "the summary is one sentence",
    why: "`list methods` and reports show it beside the name",
    mend: "say in `ABOUT.summary` what the method learns from, in one sentence",
    mend_program: Some("say in `summary` of method.toml what the method learns from, in one sentence"),
    quick: true,
    run: |subject, _| {
        let summary = subject.description()["summary"].as_str().unwrap_or_default();
        if summary.trim().is_empty() {
            return Outcome::skipped("there is none");
        }
        let letters = summary.chars().count();
        match letters > LONGEST_SUMMARY || summary.contains('\n') {
            true => {
                Outcome::failed(format!("it has {letters} letters; expected one line of at most {LONGEST_SUMMARY}"))
            }
            false => Outcome::passed(),
        }
    },
};

pub const DEFAULTS: Check = Check {
    name: "defaults",
    what: "the default configuration is JSON, and a session opens with it",
    why: "a row without settings of its own is run with the defaults, and records hold the configuration",
    mend: "derive `Serialize` and `Deserialize`; JSON has no infinity and no NaN, so use an `Option` or a large number",
    mend_program: Some("give every key of `[config]` in method.toml a default that the method accepts"),
    quick: true,
    run: |subject, setting| {
        let defaults = &subject.description()["default_config"];
        if !matches!(defaults, Value::Object(_)) {
            return Outcome::failed(format!("they are {defaults}; expected an object such as {{\"dim\": 64}}"));
        }
        if let Some(path) = leaves(defaults).into_iter().find(|path| value_at(defaults, path).is_null()) {
            // An `Option` that is none is null, too; then a session opens with it.
            let given = nested(&path, Value::Null);
            subject.open(&Spec { config: given, ..setting.spec.clone() }).map_err(|failure| {
                Failure::new(format!("`{}` is null, which no session takes back: {}", path.join("."), failure.message))
            })?;
        }
        setting.open(subject)?;
        Outcome::passed()
    },
};

pub const KEYS: Check = Check {
    name: "keys",
    what: "every key of the configuration can be set alone",
    why: "`--set`, suites and tuning set single keys",
    mend: "put `#[serde(default)]` on nested structs, and let what `Serialize` writes be what `Deserialize` reads",
    mend_program: Some("accept in the method what `[config]` of method.toml has as the default"),
    quick: false,
    run: |subject, setting| {
        let defaults = &subject.description()["default_config"];
        let paths = leaves(defaults);
        for path in &paths {
            let mut config = setting.spec.config.clone();
            let usual = value_at(&config, path).clone();
            let value = if usual.is_null() { value_at(defaults, path).clone() } else { usual };
            merge(&mut config, nested(path, value));
            subject.open(&Spec { config, ..setting.spec.clone() }).map_err(|failure| {
                Failure::new(format!("`{}` set to its own default: {}", path.join("."), failure.message))
            })?;
        }
        Ok(Outcome::Passed(format!("{} keys", paths.len())))
    },
};

pub const UNKNOWN_KEY: Check = Check {
    name: "unknown-key",
    what: "a key that does not exist is refused by its name",
    why: "a misspelt key would run with the default and be published as another setting",
    mend: "take the configuration through the SDK, or put `#[serde(deny_unknown_fields)]` on it",
    mend_program: Some("the host refuses keys that `[config]` of method.toml lacks; report this"),
    quick: true,
    run: |subject, setting| {
        const KEY: &str = "no-such-key";
        let mut config = setting.spec.config.clone();
        merge(&mut config, json!({ KEY: 1 }));
        match subject.open(&Spec { config, ..setting.spec.clone() }) {
            Ok(_) => Outcome::failed(format!("a session opens with `{KEY} = 1`")),
            Err(failure) if failure.message.contains(KEY) => Outcome::passed(),
            Err(failure) => Outcome::failed(format!("the message does not name the key: {}", failure.message)),
        }
    },
};

/// The paths of all values that are no objects.
fn leaves(value: &Value) -> Vec<Vec<String>> {
    match value {
        Value::Object(entries) => entries
            .iter()
            .flat_map(|(key, value)| {
                leaves(value).into_iter().map(move |mut path| {
                    path.insert(0, key.clone());
                    path
                })
            })
            .collect(),
        _ => vec![Vec::new()],
    }
}

fn value_at<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(value, |value, key| &value[key.as_str()])
}

/// The value below the keys of a path.
fn nested(path: &[String], value: Value) -> Value {
    path.iter().rev().fold(value, |value, key| Value::Object(Map::from_iter([(key.clone(), value)])))
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
