//! An entry of a table as plain text.

use crate::{
    leaderboard::Estimate,
    tables::table::{Entry, Value},
};

/// A value as text, and how precise it is, which forms may set apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) value: String,
    /// The half width of its interval and the spread of fits: ` ± 0.041 (0.012)`.
    pub(crate) precision: String,
}

/// A value and its precision as text.
pub(crate) fn parts(value: &Value) -> Parts {
    let interval = match value {
        Value::Error(Estimate { interval, .. }) | Value::Difference { interval, .. } => *interval,
        _ => None,
    };
    let mut precision = interval.map_or(String::new(), |interval| format!(" ± {:.3}", interval.half_width()));
    if let Value::Error(Estimate { fits_std: Some(std), .. }) = value {
        precision += &format!(" ({std:.3})");
    }
    let value = match value {
        Value::Text(text) | Value::Checksum(text) => text.clone(),
        Value::Number { value, decimals } => format!("{value:.decimals$}"),
        Value::Count(count) => count.to_string(),
        Value::Rank(rank) => rank.to_string(),
        Value::Error(Estimate { mse, .. }) => format!("{mse:.3}"),
        Value::Difference { value, .. } => format!("{value:+.3}"),
        Value::Probability(p) if *p < 0.001 => "< 0.001".into(),
        Value::Probability(p) => format!("{p:.3}"),
        Value::Range { low, high } => format!("{} to {}", significant(*low), significant(*high)),
        Value::OutOf { value, total } => format!("{value:.1} of {total}"),
        Value::Shape([rows, columns]) => format!("{rows} x {columns}"),
        Value::Missing => "-".into(),
    };
    Parts { value, precision }
}

/// A value with its precision, such as `0.360 ± 0.041`.
pub(super) fn value(value: &Value) -> String {
    let Parts { value, precision } = parts(value);
    value + &precision
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
            (Value::Error(Estimate { mse: 0.36, interval: None, fits_std: None }), "0.360"),
            (Value::Error(Estimate { mse: 0.4, interval, fits_std: None }), "0.400 ± 0.100"),
            (Value::Error(Estimate { mse: 0.4, interval, fits_std: Some(0.0123) }), "0.400 ± 0.100 (0.012)"),
            (Value::Difference { value: 0.4, interval }, "+0.400 ± 0.100"),
            (Value::Difference { value: -0.4, interval: None }, "-0.400"),
            (Value::Probability(0.0421), "0.042"),
            (Value::Probability(0.0002), "< 0.001"),
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
