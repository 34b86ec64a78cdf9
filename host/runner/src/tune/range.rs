//! The range of one key of a configuration.

use physrep_random::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

/// The range of a key, from which trials draw its values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Range {
    /// Numbers whose logarithm is uniform between two ends.
    Log([f64; 2]),
    /// Numbers that are uniform between two ends.
    Uniform([f64; 2]),
    /// Whole numbers from the first to the last, each as probable as the others.
    Integer([i64; 2]),
    /// Values, each as probable as the others.
    Choice(Vec<Value>),
}

/// The kinds of ranges, as a file names them.
pub(super) const KINDS: [&str; 4] = ["log", "uniform", "integer", "choice"];

impl Range {
    /// Why nothing can be drawn from it, if nothing can.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Log([low, high]) if !(*low > 0.0 && low < high && high.is_finite()) => {
                Err(format!("`log` needs two positive numbers that rise, but has [{low}, {high}]"))
            }
            Self::Uniform([low, high]) if !(low < high && low.is_finite() && high.is_finite()) => {
                Err(format!("`uniform` needs two numbers that rise, but has [{low}, {high}]"))
            }
            Self::Integer([low, high]) if low >= high => {
                Err(format!("`integer` needs two whole numbers that rise, but has [{low}, {high}]"))
            }
            Self::Choice(values) if values.len() < 2 => {
                Err(format!("`choice` needs two values or more, but has {}", values.len()))
            }
            _ => Ok(()),
        }
    }

    /// Why a key whose default is `default` cannot have such values, if it cannot. A key without a default takes any.
    pub(super) fn fits(&self, default: &Value) -> Result<(), String> {
        let (numbers, whole) = (default.is_number(), default.is_i64() || default.is_u64());
        match self {
            _ if default.is_null() => Ok(()),
            _ if default.is_object() => Err("has keys of its own; give a range to each of them".into()),
            Self::Log(_) | Self::Uniform(_) if whole => {
                Err(format!("is a whole number, {default}; its range must be `integer` or `choice`"))
            }
            Self::Log(_) | Self::Uniform(_) | Self::Integer(_) if !numbers => {
                Err(format!("is not a number, but {default}; its range must be `choice`"))
            }
            Self::Choice(values) => match values.iter().find(|value| kind(value) != kind(default)) {
                Some(value) => Err(format!("is {} such as {default}, but one choice is {value}", kind(default))),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The next value from `random`.
    pub(super) fn draw(&self, random: &mut Stream) -> Value {
        match self {
            Self::Log([low, high]) => {
                let place = low.ln() + random.uniform() * (high.ln() - low.ln());
                json!(rounded(place.exp()).clamp(*low, *high))
            }
            Self::Uniform([low, high]) => json!(rounded(low + random.uniform() * (high - low)).clamp(*low, *high)),
            Self::Integer([low, high]) => json!(low + random.below((high - low) as usize + 1) as i64),
            Self::Choice(values) => values[random.below(values.len())].clone(),
        }
    }
}

/// The value rounded to three significant digits: short in a suite, and the same whatever the last bits of a logarithm are on a machine.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().expect("a formatted number is a number")
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a word",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(range: &Range) -> Vec<Value> {
        (0..2000).map(|index| range.draw(&mut Stream::new(0, "test", index))).collect()
    }

    #[test]
    fn draws_fill_their_range_evenly_on_its_scale() {
        for (range, middle) in [(Range::Log([1e-4, 1e-2]), 1e-3), (Range::Uniform([0.5, 0.9]), 0.7)] {
            let (Range::Log([low, high]) | Range::Uniform([low, high])) = range else { unreachable!() };
            let values: Vec<f64> = draws(&range).iter().map(|value| value.as_f64().expect("a number")).collect();
            assert!(values.iter().all(|value| (low..=high).contains(value)));
            let below = values.iter().filter(|value| **value < middle).count();
            assert!((900..1100).contains(&below), "{below} of 2000 below {middle}");
        }
        let integers = draws(&Range::Integer([-1, 2]));
        for whole in -1..=2 {
            let count = integers.iter().filter(|value| **value == json!(whole)).count();
            assert!((430..570).contains(&count), "{whole} is drawn {count} times of 2000");
        }
        let chosen = draws(&Range::Choice(vec![json!(true), json!(false)]));
        assert!((900..1100).contains(&chosen.iter().filter(|value| **value == json!(true)).count()));
    }

    #[test]
    fn draws_have_three_digits_and_stay_in_their_range() {
        assert_eq!(rounded(0.003_274_6), 0.00327);
        // The nearest number of three digits is outside.
        let narrow = Range::Uniform([0.123_45, 0.123_46]);
        assert!(draws(&narrow).iter().all(|value| (0.123_45..=0.123_46).contains(&value.as_f64().expect("a number"))));
    }

    #[test]
    fn ranges_without_values_are_refused() {
        let refused = [
            (Range::Log([0.0, 1.0]), "positive"),
            (Range::Log([1.0, 0.1]), "rise"),
            (Range::Uniform([0.0, f64::INFINITY]), "rise"),
            (Range::Integer([3, 3]), "rise"),
            (Range::Choice(vec![json!(1)]), "two values"),
        ];
        for (range, expected) in refused {
            let reason = range.check().expect_err("refused");
            assert!(reason.contains(expected), "{range:?}: {reason}");
        }
    }

    #[test]
    fn a_range_fits_the_kind_of_its_key() {
        let (log, whole) = (Range::Log([0.1, 1.0]), Range::Integer([1, 3]));
        let words = Range::Choice(vec![json!("shared"), json!("ema")]);
        assert!(log.fits(&json!(1.0)).is_ok() && whole.fits(&json!(2)).is_ok() && words.fits(&json!("ema")).is_ok());
        assert!(log.fits(&Value::Null).is_ok(), "a key without a default may be anything");
        for (range, default, expected) in [
            (&log, json!(5), "whole number"),
            (&log, json!("ema"), "must be `choice`"),
            (&whole, json!([1]), "must be `choice`"),
            (&words, json!(1.0), "is a number such as 1.0, but one choice is \"shared\""),
            (&words, json!({"lr": 1.0}), "keys of its own"),
        ] {
            let reason = range.fits(&default).expect_err("refused");
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
