//! A file of The Well that is to be packed: whether it is what the suite and the system ask for.

use std::path::Path;

use crate::regime::Regime;
use crate::suite::{Parameter, SystemSuite, Trajectory};
use crate::systems::System;
use crate::well::WellFile;
use crate::{Error, Result};

/// A file that fits the system and the suite, with the parameters and the regime of each of its trajectories.
pub(super) struct SourceFile {
    pub file: WellFile,
    pub trajectories: Vec<(Vec<f64>, Option<Regime>)>,
}

impl SourceFile {
    /// Opens a file; `planned` are its trajectories if it was generated.
    pub fn open(
        path: &Path,
        planned: Option<&[Trajectory]>,
        system: &dyn System,
        section: &SystemSuite,
    ) -> Result<Self> {
        let file = WellFile::open(path)?;
        let layout = file.layout();
        let fail = |place: &str, expected: String, found: String| Err(Error::format(path, place, expected, found));
        if layout.grid() != section.store {
            return fail("grid", format!("{:?}, the suite's `store`", section.store), format!("{:?}", layout.grid()));
        }
        if layout.times.len() != section.frames {
            return fail(
                "dimensions/time",
                format!("{} frames, as the suite says", section.frames),
                layout.times.len().to_string(),
            );
        }
        let uneven = |(j, t): (usize, &f64)| (t - layout.times[0] - j as f64 * section.dt).abs() > 1e-3 * section.dt;
        if layout.times.iter().enumerate().any(uneven) {
            let last = layout.times[layout.times.len() - 1];
            return fail(
                "dimensions/time",
                format!("steps of {}", section.dt),
                format!("{} to {last}", layout.times[0]),
            );
        }
        for (axis, found) in system.axes().iter().zip(&layout.axes) {
            if axis.name != found.name || axis.boundary != found.boundary {
                let expected = format!("a {:?} axis {}", axis.boundary, axis.name);
                return fail("boundary_conditions", expected, format!("{:?} {}", found.boundary, found.name));
            }
        }
        for field in system.fields() {
            if !layout.fields.contains(&field) {
                let found: Vec<_> = layout.fields.iter().map(|f| format!("{} ({:?})", f.name, f.rank)).collect();
                return fail("fields", format!("{} ({:?})", field.name, field.rank), found.join(", "));
            }
        }
        let mut scalars = Vec::new();
        for parameter in system.parameters() {
            let called = |name: &str| name == parameter.name || parameter.aliases.contains(&name);
            let Some(scalar) = layout.scalars.iter().find(|scalar| called(&scalar.name)) else {
                let found: Vec<_> = layout.scalars.iter().map(|scalar| scalar.name.as_str()).collect();
                return fail("scalars", parameter.name.into(), found.join(", "));
            };
            scalars.push(scalar);
        }
        if let Some(planned) = planned.filter(|planned| planned.len() != layout.trajectories) {
            return fail("@n_trajectories", planned.len().to_string(), layout.trajectories.to_string());
        }
        let regimes = section.generate.as_ref().and_then(|generation| generation.regimes.as_ref());
        let reach = regimes.map_or(0.0, |regimes| regimes.far);
        let mut trajectories = Vec::new();
        for index in 0..layout.trajectories {
            let planned = planned.map(|planned| &planned[index]);
            let mut parameters = Vec::new();
            for (position, (scalar, parameter)) in scalars.iter().zip(&section.parameters).enumerate() {
                let value = scalar.of(index).unwrap_or(f64::NAN);
                let meant = match planned {
                    Some(planned) => one_of(value, &planned.case.parameters[position..=position]),
                    None if parameter.range.is_some() => within(value, parameter, reach),
                    None => one_of(value, &parameter.values),
                };
                let meant = match meant {
                    Ok(meant) => meant,
                    Err(expected) => {
                        return fail(&format!("scalars/{}[{index}]", parameter.name), expected, value.to_string());
                    }
                };
                parameters.push(meant);
            }
            trajectories.push((parameters, planned.and_then(|planned| planned.regime)));
        }
        Ok(Self { file, trajectories })
    }
}

/// The value that the suite gives exactly, and a file in single precision; or which were expected.
fn one_of(found: f64, values: &[f64]) -> Result<f64, String> {
    let meant = values.iter().find(|value| (*value - found).abs() <= 1e-6 * value.abs());
    meant.copied().ok_or_else(|| format!("one of {values:?}"))
}

/// A value of the parameter's range, or as far beyond its ends as held-out trajectories are; or what was expected.
fn within(found: f64, parameter: &Parameter, reach: f64) -> Result<f64, String> {
    let [low, high] = [parameter.at(-reach), parameter.at(1.0 + reach)];
    let inside = (low - 1e-6 * low.abs()..=high + 1e-6 * high.abs()).contains(&found);
    if inside { Ok(found) } else { Err(format!("a value from {low} to {high}")) }
}
