//! An entry of a table as plain text.

use crate::tables::table::{Entry, Value};

/// A value as text, and the half width of its interval, which forms may set apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) value: String,
    pub(crate) half_width: Option<String>,
}

/// A value and its interval as text.
pub(crate) fn parts(value: &Value) -> Parts {
    let half_width = match value {
        Value::Score { interval: Some(interval), .. } => Some(format!("{:.3}", interval.half_width())),
        _ => None,
    };
    let value = match value {
        Value::Text(text) | Value::Checksum(text) => text.clone(),
        Value::Number { value, decimals } => format!("{value:.decimals$}"),
        Value::Count(count) => count.to_string(),
        Value::Rank(rank) => rank.to_string(),
        Value::Score { mse, .. } => format!("{mse:.3}"),
        Value::Range { low, high } => format!("{} to {}", significant(*low), significant(*high)),
        Value::OutOf { value, total } => format!("{value:.1} of {total}"),
        Value::Shape([rows, columns]) => format!("{rows} x {columns}"),
        Value::Missing => "-".into(),
    };
    Parts { value, half_width }
}

/// A value with its interval, such as `0.360 ± 0.041`.
pub(super) fn value(value: &Value) -> String {
    match parts(value) {
        Parts { value, half_width: Some(half_width) } => format!("{value} ± {half_width}"),
        Parts { value, half_width: None } => value,
    }
}

/// An entry with the numbers of its notes, such as `jepa [1, 2]`.
pub(super) fn noted(entry: &Entry) -> String {
    let text = value(&entry.value);
    if entry.notes.is_empty() { text } else { format!("{text} [{}]", numbers(&entry.notes, ", ")) }
}

/// The numbers of notes in a row.
pub(super) fn numbers(notes: &[usize], separator: &str) -> String {
    notes.iter().map(usize::to_string).collect::<Vec<_>>().join(separator)
}

/// Two significant digits.
fn significant(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if (1e-3..1e4).contains(&value.abs()) => {
            let decimals = (1 - value.abs().log10().floor() as i32).max(0) as usize;
            format!("{value:.decimals$}")
        }
        value => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use physrep_statistics::Interval;

    use super::*;

    #[test]
    fn every_kind_of_value_has_a_text() {
        let interval = Some(Interval { low: 0.3, high: 0.5 });
        let cases = [
            (Value::Text("jepa".into()), "jepa"),
            (Value::Checksum("0123456789abcdef0123".into()), "0123456789abcdef0123"),
            (Value::Number { value: -1.25, decimals: 1 }, "-1.2"),
            (Value::Count(4_294_967_296), "4294967296"),
            (Value::Rank(1.0), "1"),
            (Value::Rank(2.5), "2.5"),
            (Value::Score { mse: 0.36, interval: None }, "0.360"),
            (Value::Score { mse: 0.4, interval }, "0.400 ± 0.100"),
            (Value::Range { low: -0.0321, high: 12.4 }, "-0.032 to 12"),
            (Value::Range { low: 0.0, high: 3.2e-7 }, "0 to 3.2e-7"),
            (Value::OutOf { value: 12.34, total: 64 }, "12.3 of 64"),
            (Value::Shape([16, 128]), "16 x 128"),
            (Value::Missing, "-"),
        ];
        for (typed, text) in cases {
            assert_eq!(value(&typed), text, "{typed:?}");
        }
    }

    #[test]
    fn notes_follow_a_name() {
        let entry = Entry { notes: vec![1, 3], ..Entry::text("jepa") };
        assert_eq!(noted(&entry), "jepa [1, 3]");
        assert_eq!(noted(&Entry::text("jepa")), "jepa");
    }
}
