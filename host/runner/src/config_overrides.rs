//! `--set key=value`: single keys of a method's configuration, given on the command line.

use std::collections::BTreeMap;

use physrep_benchmarks::{printable::cut_line, suggestion::did_you_mean, suite::Suite};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The most keys that one may be nested in: the parsers of JSON and TOML allow for about as many.
const DEEPEST: usize = 64;

/// The overrides as a JSON object: `dims=[8,16]` and `training.lr=1e-3` become `{"dims": [8, 16], "training": {"lr": 0.001}}`.
///
/// They are applied to a copy of `base`, an object or none. Values are TOML; a bare list `8,16` and a bare word become a list and a
/// string.
///
/// # Errors
///
/// [`Error::Usage`] for a setting without `=`, with an empty key, or below a key that is not an object.
pub fn parse<'a>(base: Option<&Value>, settings: impl IntoIterator<Item = &'a str>) -> Result<Value> {
    let mut object = base.and_then(Value::as_object).cloned().unwrap_or_default();
    for setting in settings {
        let (path, text) = setting.split_once('=').ok_or_else(|| {
            Error::Usage(format!("--set {}: expected KEY=VALUE, such as --set lr=1e-3", shown(setting)))
        })?;
        insert(&mut object, path.trim(), value(text.trim()), setting)?;
    }
    Ok(Value::Object(object))
}

/// Merges `over` into a copy of `base`, both objects or none, key by key, recursively; `over` takes precedence.
pub fn merge(base: Option<&Value>, over: Option<&Value>) -> Option<Value> {
    match (base, over) {
        (Some(Value::Object(base)), Some(Value::Object(over))) => {
            let mut merged = base.clone();
            for (key, value) in over {
                let value = merge(base.get(key), Some(value)).unwrap_or_default();
                merged.insert(key.clone(), value);
            }
            Some(Value::Object(merged))
        }
        (base, over) => over.or(base).cloned(),
    }
}

/// The overrides `METHOD.KEY=VALUE` of one method, without its name.
pub fn of_method<'a>(settings: &'a [String], method: &str) -> Vec<&'a str> {
    settings.iter().filter_map(|setting| setting.strip_prefix(method)?.strip_prefix('.')).collect()
}

/// Checks that the keys of settings `KEY=VALUE` are among those of the default configuration, as far as that says what there is.
///
/// # Errors
///
/// [`Error::Usage`] with the keys that there are.
pub(crate) fn check_keys(method: &str, defaults: &Value, settings: &[&str]) -> Result<()> {
    for setting in settings {
        let (mut at, mut path) = (defaults, method.to_owned());
        for key in setting.split('=').next().unwrap_or_default().trim().split('.') {
            let Some(known) = at.as_object() else { break };
            at = known.get(key).ok_or_else(|| {
                let keys = known.keys().cloned().collect::<Vec<_>>().join(", ");
                let meant = did_you_mean(key, known.keys().map(String::as_str));
                let (setting, path, key) = (shown(setting), shown(&path), shown(key));
                Error::Usage(format!("--set {method}.{setting}: `{path}` has no key `{key}`{meant}; it has: {keys}"))
            })?;
            path = format!("{path}.{key}");
        }
    }
    Ok(())
}

/// The suite's own configuration of a method or variant, an object.
pub(crate) fn of_suite(suite: &Suite, row: &str) -> Value {
    let method = suite.variants.get(row).map(|method| suite.methods.get(method));
    let own = suite.methods.get(row);
    let config = method.map_or(own.cloned(), |method| merge(method, own));
    config.unwrap_or_else(|| Value::Object(Map::new()))
}

/// A copy of `base`, an object, in which each of `keys`, such as `training.lr`, has its value.
///
/// # Errors
///
/// [`Error::Usage`] for a key below one that is not an object in `base`.
pub(crate) fn with_keys(base: &Value, keys: &BTreeMap<String, Value>) -> Result<Value> {
    let mut object = base.as_object().cloned().unwrap_or_default();
    for (key, value) in keys {
        let taken = |_| Error::Usage(format!("`{key}`: the suite sets a key above it to a single value"));
        insert(&mut object, key, value.clone(), key).map_err(taken)?;
    }
    Ok(Value::Object(object))
}

/// A setting, or a part of it, as messages show it.
pub(crate) fn shown(setting: &str) -> String {
    cut_line(setting, 100)
}

fn insert(object: &mut Map<String, Value>, path: &str, value: Value, setting: &str) -> Result<()> {
    if path.matches('.').count() >= DEEPEST {
        return Err(Error::Usage(format!("--set {}: expected at most {DEEPEST} keys, one in another", shown(setting))));
    }
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    if key.is_empty() {
        return Err(Error::Usage(format!("--set {}: an empty key", shown(setting))));
    }
    match rest {
        None => {
            object.insert(key.to_owned(), value);
            Ok(())
        }
        Some(rest) => match object.entry(key).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(inner) => insert(inner, rest, value, setting),
            _ => Err(Error::Usage(format!("--set {}: `{}` was set to a value before", shown(setting), shown(key)))),
        },
    }
}

fn value(text: &str) -> Value {
    let as_toml = |text: &str| -> Option<Value> {
        let table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
        // TOML's `nan` and `inf` cannot be JSON; they stay strings.
        serde_json::to_value(table.get("value")?).ok().filter(|value| !value.is_null())
    };
    as_toml(text)
        .or_else(|| text.contains(',').then(|| as_toml(&format!("[{text}]")))?)
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_toml_with_bare_lists_and_words() {
        let settings = ["dims=4,6,8", "blocks=[1, 2]", "training.lr=1e-3", "training.warmup=0.1", "fault=panic"];
        let parsed = parse(None, settings).expect("parses");
        let expected = json!({
            "dims": [4, 6, 8], "blocks": [1, 2], "training": {"lr": 1e-3, "warmup": 0.1}, "fault": "panic",
        });
        assert_eq!(parsed, expected);
    }

    #[test]
    fn a_setting_without_a_value_says_what_was_expected() {
        let error = parse(None, ["lr"]).expect_err("refused").to_string();
        assert!(error.contains("KEY=VALUE"), "{error}");
        assert!(parse(None, ["a=1", "a.b=2"]).is_err());
        assert!(parse(None, [".b=2"]).is_err());
    }

    #[test]
    fn objects_are_merged_key_by_key() {
        let base = json!({"dims": [4, 6], "training": {"lr": 1, "warmup": 2}});
        let over = json!({"dims": [8], "training": {"lr": 3}, "target": "ema"});
        let expected = json!({"dims": [8], "training": {"lr": 3, "warmup": 2}, "target": "ema"});
        assert_eq!(merge(Some(&base), Some(&over)), Some(expected));
        assert_eq!(merge(Some(&base), None), Some(base.clone()));
        assert_eq!(merge(None, Some(&over)), Some(over));
        assert_eq!(merge(None, None), None);
    }

    #[test]
    fn a_variant_has_the_method_s_configuration_under_its_own() {
        let mut suite = Suite::load("tiny").expect("a suite");
        suite.methods =
            [("jepa", json!({"chunks": 1, "training": {"lr": 1}})), ("ema", json!({"training": {"warmup": 2}}))]
                .map(|(row, config)| (row.to_owned(), config))
                .into();
        suite.variants = [("ema".to_owned(), "jepa".to_owned())].into();
        assert_eq!(of_suite(&suite, "ema"), json!({"chunks": 1, "training": {"lr": 1, "warmup": 2}}));
        assert_eq!(of_suite(&suite, "jepa"), json!({"chunks": 1, "training": {"lr": 1}}));
        assert_eq!(of_suite(&suite, "mpp"), json!({}));
    }

    #[test]
    fn keys_replace_those_of_a_configuration() {
        let base = json!({"chunks": 1, "training": {"lr": 1, "warmup": 2}});
        let keys = |key: &str| BTreeMap::from([(key.to_owned(), json!(3))]);
        let expected = json!({"chunks": 1, "training": {"lr": 3, "warmup": 2}});
        assert_eq!(with_keys(&base, &keys("training.lr")).expect("merged"), expected);
        assert!(with_keys(&base, &keys("chunks.size")).expect_err("refused").to_string().contains("above it"));
    }

    #[test]
    fn overrides_belong_to_the_method_they_name() {
        let settings = ["jepa.lr=1".to_owned(), "jepa2.lr=2".to_owned()];
        assert_eq!(of_method(&settings, "jepa"), ["lr=1"]);
    }
}
