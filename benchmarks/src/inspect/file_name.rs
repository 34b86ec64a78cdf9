//! Compares the parameters that a file's name has, as those of The Well do, with the ones that it holds.

use std::path::Path;

use super::findings::{Finding, Findings};
use crate::well::WellScalar;

/// How far a value may be from the one in the name, relative to it: names are rounded.
const ROUNDING: f64 = 1e-3;

/// Adds an error for each scalar with another value than the name says, as in `shear_flow_Reynolds_1e4_Schmidt_1e-1.hdf5`.
pub(super) fn check(path: &Path, scalars: &[WellScalar], findings: &mut Findings) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    for scalar in scalars {
        let Some(said) = value(&stem, &scalar.name) else { continue };
        let near = |value: f64| (value - said).abs() <= ROUNDING * said.abs().max(f64::MIN_POSITIVE);
        if let Some(other) = scalar.values.iter().find(|&&value| !near(value)) {
            let message = format!("expected {said}, as the name of the file says, found {other}");
            findings.add(Finding::error(format!("scalars/{}", scalar.name), message));
        }
    }
}

/// The number behind `name` in a file's name.
fn value(stem: &str, name: &str) -> Option<f64> {
    let parts: Vec<&str> = stem.split(['_', '=']).collect();
    let wanted: Vec<&str> = name.split(['_', '=']).collect();
    let numbers = parts.windows(wanted.len() + 1).filter(|window| window.starts_with(&wanted));
    numbers.filter_map(|window| window[wanted.len()].parse().ok()).find(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_well_are_understood() {
        let name = "active_matter_L_10.0_zeta_1.0_alpha_-1.0";
        assert_eq!(value(name, "zeta"), Some(1.0));
        assert_eq!(value(name, "alpha"), Some(-1.0));
        assert_eq!(value(name, "matter"), None);
        assert_eq!(value("shear_flow_Reynolds_1e4_Schmidt_1e-1", "Schmidt"), Some(0.1));
        assert_eq!(value("run_time_step=0.5", "time_step"), Some(0.5));
        assert_eq!(value("shear_flow_valid_0000", "Reynolds"), None);
    }

    #[test]
    fn another_value_than_the_name_says_is_an_error() {
        let scalar = |values: &[f64]| WellScalar { name: "Reynolds".into(), values: values.into() };
        let errors = |values| {
            let mut findings = Findings::default();
            check(Path::new("d/shear_flow_Reynolds_1e4.hdf5"), &[scalar(values)], &mut findings);
            findings.listed.iter().map(Finding::to_string).collect::<Vec<_>>()
        };
        assert_eq!(errors(&[1e4]), [""; 0]);
        assert_eq!(errors(&[10000.3, 9999.9]), [""; 0]);
        assert_eq!(
            errors(&[1e4, 5e4]),
            ["scalars/Reynolds: expected 10000, as the name of the file says, found 50000"]
        );
    }
}
