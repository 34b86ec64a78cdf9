//! A file of The Well that is to be packed: whether it is what the suite and the system ask for.

use std::path::Path;

use crate::split::Split;
use crate::suite::SystemSuite;
use crate::systems::System;
use crate::well::WellFile;
use crate::{Error, Result};

/// A file that fits the system and the suite, and its parameters.
pub(super) struct SourceFile {
    pub file: WellFile,
    pub parameters: Vec<f64>,
}

impl SourceFile {
    pub fn open(path: &Path, split: Split, system: &dyn System, section: &SystemSuite) -> Result<Self> {
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
        let mut parameters = Vec::new();
        for (parameter, grid) in system.parameters().iter().zip(&section.parameters) {
            let called = |name: &str| name == parameter.name || parameter.aliases.contains(&name);
            let Some((_, value)) = layout.scalars.iter().find(|(name, _)| called(name)) else {
                let found: Vec<_> = layout.scalars.iter().map(|(name, _)| name.as_str()).collect();
                return fail("scalars", parameter.name.into(), found.join(", "));
            };
            // Files hold parameters in single precision; the suite has the exact value.
            let values = if split == Split::HeldOut { grid.all() } else { grid.values.clone() };
            let Some(&meant) = values.iter().find(|v| (*v - value).abs() <= 1e-6 * v.abs()) else {
                return fail(&format!("scalars/{}", parameter.name), format!("one of {values:?}"), value.to_string());
            };
            parameters.push(meant);
        }
        Ok(Self { file, parameters })
    }
}
