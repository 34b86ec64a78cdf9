//! Compares generated data with the settings that were kept beside it in `generated.json`.

use serde::Deserialize;

use super::findings::Finding;
use super::report::Contents;
use crate::generate::GenerationSettings;

/// The key is the hash of the settings: it shows whether somebody changed them.
pub(super) fn check_key(settings: &GenerationSettings) -> Option<Finding> {
    let (expected, found) = (settings.hash(), &settings.key);
    let message = format!("expected {expected}, the hash of the settings, found {found}; the file was changed");
    (expected != *found).then(|| Finding::error("key", message))
}

/// Where a file differs from the settings.
pub(super) fn check_file(settings: &GenerationSettings, contents: &Contents) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut differs = |place: &str, expected: String, found: String| {
        let message = format!("expected {expected}, as in generated.json, found {found}");
        findings.push(Finding::error(place, message));
    };
    let grid: Vec<usize> = contents.axes.iter().map(|axis| axis.points).collect();
    if let Some(store) = settings.get::<Vec<usize>>("store").filter(|store| *store != grid) {
        differs("grid", format!("{store:?}"), format!("{grid:?}"));
    }
    if let Some(frames) = settings.get::<usize>("frames").filter(|&frames| frames != contents.frames) {
        differs("dimensions/time", format!("{frames} frames"), contents.frames.to_string());
    } else if let Some(dt) = settings.get::<f64>("dt") {
        let last = dt * contents.frames.saturating_sub(1) as f64;
        let even = contents.times[0].abs() <= 1e-3 * dt && (contents.times[1] - last).abs() <= 1e-3 * dt;
        if !even {
            let [start, end] = contents.times;
            differs("dimensions/time", format!("times from 0 to {last}"), format!("{start} to {end}"));
        }
    }
    let held_out = settings.get::<Vec<ParameterValues>>("held_out").unwrap_or_default();
    for mut grid in settings.get::<Vec<ParameterValues>>("parameters").unwrap_or_default() {
        grid.values.extend(held_out.iter().filter(|other| other.name == grid.name).flat_map(|other| &other.values));
        let Some(found) = contents.parameters.iter().find(|p| p.name == grid.name) else {
            differs("scalars", grid.name, "nothing of this name".into());
            continue;
        };
        // Files hold parameters in single precision.
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs();
        for &value in found.values.iter().filter(|&&v| !grid.values.iter().any(|&known| near(known, v))) {
            differs(&format!("scalars/{}", grid.name), format!("one of {:?}", grid.values), value.to_string());
        }
    }
    findings
}

/// A parameter's values.
#[derive(Deserialize)]
struct ParameterValues {
    name: String,
    values: Vec<f64>,
}
