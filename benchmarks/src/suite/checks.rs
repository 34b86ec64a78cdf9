//! Checks of single settings: an error says which setting must be what, and what it is.

use crate::name::{PLAIN_NAME, is_plain_name};

pub(super) fn at_least_one(setting: &str, value: usize) -> Result<(), String> {
    if value == 0 { Err(format!("{setting} must be at least 1, but is 0")) } else { Ok(()) }
}

/// A count that memory is asked for, or a loop runs to: far above what any suite needs, and far below what breaks the program.
pub(super) fn count(setting: &str, value: impl TryInto<u64>, most: u64) -> Result<(), String> {
    let value = value.try_into().unwrap_or(u64::MAX);
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("{setting} must be from 1 to {most}, but is {value}"))
}

/// The grids `[nx, ny]` of fields.
pub(super) fn grid(setting: &str, grid: [usize; 2]) -> Result<(), String> {
    if grid.iter().all(|side| (1..=LONGEST_SIDE).contains(side)) {
        return Ok(());
    }
    Err(format!("`{setting}` must be from 1 to {LONGEST_SIDE} along each axis, but is {grid:?}"))
}

/// The most points along a side of a grid.
const LONGEST_SIDE: usize = 8192;

/// The most windows of an optimizer step.
pub(super) const LARGEST_BATCH: u64 = 65_536;

/// The largest size of a number that is a parameter or a unit.
const LARGEST: f64 = 1e30;

pub(super) fn positive(setting: &str, value: f64) -> Result<(), String> {
    if value > 0.0 && value <= LARGEST {
        return Ok(());
    }
    Err(format!("`{setting}` must be positive and at most {LARGEST:e}, but is {value}"))
}

pub(super) fn not_negative(setting: &str, value: f64) -> Result<(), String> {
    if (0.0..=LARGEST).contains(&value) {
        return Ok(());
    }
    Err(format!("`{setting}` must be zero or positive, and at most {LARGEST:e}, but is {value}"))
}

/// Whether products of a few such numbers are finite, too.
pub(super) fn is_finite(value: f64) -> bool {
    value.abs() <= LARGEST
}

pub(super) fn finite_and_distinct(setting: &str, values: &[f64]) -> Result<(), String> {
    if values.iter().any(|value| !is_finite(*value)) {
        return Err(format!("`{setting}` must be finite and at most {LARGEST:e} in size, but are {values:?}"));
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

/// The name of a parameter or a quantity.
pub(super) fn plain_name(setting: &str, name: &str) -> Result<(), String> {
    if is_plain_name(name) { Ok(()) } else { Err(format!("`{setting}` must be {PLAIN_NAME}, but is {name:?}")) }
}

/// The name of a suite, a system or a row.
pub(super) fn lower_case_name(setting: &str, name: &str) -> Result<(), String> {
    plain_name(setting, name)?;
    if !name.contains(|c: char| c.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(format!("`{setting}` must be in lower case, but is {name:?}"))
}
