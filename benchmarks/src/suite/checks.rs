//! Checks of single settings: an error says which setting must be what, and what it is.

pub(super) fn at_least_one(setting: &str, value: usize) -> Result<(), String> {
    if value == 0 { Err(format!("{setting} must be at least 1, but is 0")) } else { Ok(()) }
}

pub(super) fn positive(setting: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(format!("`{setting}` must be positive, but is {value}")) }
}

pub(super) fn not_negative(setting: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(format!("`{setting}` must be zero or positive, but is {value}"))
}

pub(super) fn finite_and_distinct(setting: &str, values: &[f64]) -> Result<(), String> {
    if values.iter().any(|v| !v.is_finite()) {
        return Err(format!("`{setting}` must be finite, but are {values:?}"));
    }
    distinct(setting, values.iter().map(|v| v.to_string()))
}

pub(super) fn distinct<T: PartialEq + std::fmt::Debug>(
    setting: &str,
    items: impl Iterator<Item = T>,
) -> Result<(), String> {
    let mut seen = Vec::new();
    for item in items {
        if seen.contains(&item) {
            return Err(format!("`{setting}` must differ from each other, but {item:?} occurs twice"));
        }
        seen.push(item);
    }
    Ok(())
}

/// Names become file names and column headings.
pub(super) fn plain_name(setting: &str, name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    Err(format!("`{setting}` must be made of letters, digits, `-` and `_`, but is {name:?}"))
}
