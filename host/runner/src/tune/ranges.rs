//! A file of ranges: the keys of a method's configuration that trials draw, and from where.

use std::{collections::BTreeMap, path::Path};

use physrep_benchmarks::suggestion::did_you_mean;
use physrep_random::Stream;
use physrep_records::{RangesFile, files};
use serde_json::{Map, Value};

use super::range::{KINDS, Range};
use crate::error::{Error, Result};

/// The ranges of a file, by key; a key below another is a path such as `training.lr`.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    /// The file, for the record.
    pub(super) file: RangesFile,
    by_key: BTreeMap<String, Range>,
}

impl Ranges {
    /// Reads the file at `path` and checks its keys against those of `method`, whose default configuration is `defaults`.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if it cannot be read; [`Error::Usage`] if it is not TOML, has no ranges, or has a range that its key cannot have.
    pub(super) fn read(path: &Path, method: &str, defaults: &Value) -> Result<Self> {
        let text = String::from_utf8_lossy(&files::read_bounded(path)?).into_owned();
        Self::parse(text, method, defaults).map_err(|reason| Error::Usage(format!("{}: {reason}", path.display())))
    }

    fn parse(text: String, method: &str, defaults: &Value) -> Result<Self, String> {
        let table: Map<String, Value> = toml::from_str(&text).map_err(|e| {
            let before = e.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(before).filter(|byte| *byte == b'\n').count();
            format!("line {line}: {}", e.message().replace('\n', " "))
        })?;
        let mut by_key = BTreeMap::new();
        collect(&table, "", &mut by_key)?;
        if by_key.is_empty() {
            return Err("it has no ranges; expected lines such as training.lr = { log = [1e-4, 1e-2] }".into());
        }
        for (key, range) in &by_key {
            range.check().map_err(|reason| format!("`{key}`: {reason}"))?;
            let default = default_of(key, method, defaults)?;
            range.fits(default).map_err(|reason| format!("`{key}` of {method} {reason}"))?;
        }
        let checksum = blake3::hash(text.as_bytes()).to_hex().to_string();
        Ok(Self { file: RangesFile { checksum, text }, by_key })
    }

    /// The values of a trial: a function of the seed, the method, the trial's number and each key with its range alone.
    pub(super) fn draw(&self, seed: u64, method: &str, trial: u64) -> BTreeMap<String, Value> {
        let value =
            |key: &str, range: &Range| range.draw(&mut Stream::new(seed, &format!("tuning of {method}: {key}"), trial));
        self.by_key.iter().map(|(key, range)| (key.clone(), value(key, range))).collect()
    }
}

/// Adds the ranges of a table, whose own key is `path`. A table with a kind of range as its only key is a range.
fn collect(table: &Map<String, Value>, path: &str, ranges: &mut BTreeMap<String, Range>) -> Result<(), String> {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let is_range = |inner: &Map<String, Value>| {
            inner.len() == 1 && inner.iter().all(|(kind, ends)| KINDS.contains(&kind.as_str()) && ends.is_array())
        };
        match value {
            Value::Object(inner) if is_range(inner) => {
                let range = serde_json::from_value(value.clone()).map_err(|e| format!("`{path}`: {e}"))?;
                ranges.insert(path, range);
            }
            Value::Object(inner) => collect(inner, &path, ranges)?,
            _ => {
                return Err(format!(
                    "`{path}`: expected a range, such as {{ log = [1e-4, 1e-2] }}, of the kinds {}; found {value}",
                    KINDS.join(", ")
                ));
            }
        }
    }
    Ok(())
}

/// The default of a key.
fn default_of<'a>(key: &str, method: &str, defaults: &'a Value) -> Result<&'a Value, String> {
    let found = key.split('.').try_fold(defaults, |at, part| at.as_object()?.get(part));
    found.ok_or_else(|| {
        let mut known = Vec::new();
        keys(defaults, "", &mut known);
        let meant = did_you_mean(key, known.iter().map(String::as_str));
        format!("{method} has no key `{key}`{meant}; it has: {}", known.join(", "))
    })
}

/// Adds the paths of all keys of a configuration that have no keys of their own.
fn keys(config: &Value, path: &str, found: &mut Vec<String>) {
    match config {
        Value::Object(table) => table.iter().for_each(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            keys(value, &path, found);
        }),
        _ => found.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Ranges, String> {
        let defaults = json!({"dims": [8], "chunks": 5, "cov_coeff": 2.0, "training": {"lr": 1e-3, "warmup": 0.1}});
        Ranges::parse(text.into(), "jepa", &defaults)
    }

    #[test]
    fn a_key_below_another_is_a_path_or_in_a_section() {
        let path = parse("training.lr = { log = [1e-4, 1e-2] }\ncov_coeff = { uniform = [1, 2] }").expect("ranges");
        let section = parse("cov_coeff.uniform = [1, 2]\n[training]\nlr = { log = [1e-4, 1e-2] }").expect("ranges");
        assert_eq!(path.by_key, section.by_key);
        assert_eq!(path.by_key["training.lr"], Range::Log([1e-4, 1e-2]));
        assert_ne!(path.file.checksum, section.file.checksum);
    }

    #[test]
    fn a_draw_depends_on_seed_method_trial_and_its_own_key_alone() {
        let one = parse("training.lr = { log = [1e-4, 1e-2] }").expect("ranges");
        let two = parse("cov_coeff = { log = [1, 50] }\ntraining.lr = { log = [1e-4, 1e-2] }").expect("ranges");
        let lr = |ranges: &Ranges, seed, method, trial| ranges.draw(seed, method, trial)["training.lr"].clone();
        let drawn = lr(&one, 0, "jepa", 3);
        assert_eq!(drawn, lr(&two, 0, "jepa", 3), "another key does not move it");
        for other in [lr(&one, 1, "jepa", 3), lr(&one, 0, "mpp", 3), lr(&one, 0, "jepa", 4)] {
            assert_ne!(drawn, other);
        }
        // Published choices depend on it.
        assert_eq!(drawn, json!(0.00652));
    }

    #[test]
    fn wrong_ranges_are_refused_with_what_was_expected() {
        for (text, expected) in [
            ("", "no ranges"),
            ("a =", "line 1: "),
            ("training.lr = 3", "`training.lr`: expected a range, such as { log = [1e-4, 1e-2] }"),
            ("training.lr = { lgo = [1, 2] }", "`training.lr.lgo`: expected a range"),
            ("training.lr = { log = [1] }", "`training.lr`: "),
            ("training.lr = { log = [2, 1] }", "`training.lr`: `log` needs two positive numbers that rise"),
            ("chunks = { log = [1, 5] }", "`chunks` of jepa is a whole number, 5"),
            ("training = { choice = [1, 2] }", "`training` of jepa has keys of its own"),
            ("training.lrr = { log = [1, 2] }", "jepa has no key `training.lrr` (did you mean `training.lr`?)"),
            (
                "cov_coef = { log = [1, 2] }",
                "(did you mean `cov_coeff`?); it has: chunks, cov_coeff, dims, training.lr",
            ),
        ] {
            let reason = parse(text).expect_err("refused");
            assert!(reason.contains(expected), "{text:?}: expected {expected:?} in {reason:?}");
        }
    }
}
