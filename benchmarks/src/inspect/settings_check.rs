//! Compares generated data with the settings that were kept beside it in `generated.json`.

use super::findings::Finding;
use super::report::Contents;
use crate::generate::GenerationSettings;
use crate::suite::{Parameter, Regimes};

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
    let reach = settings.get::<Option<Regimes>>("regimes").flatten().map_or(0.0, |regimes| regimes.far);
    for drawn in settings.get::<Vec<Parameter>>("parameters").unwrap_or_default() {
        let Some(found) = contents.parameters.iter().find(|p| p.name == drawn.name) else {
            differs("scalars", drawn.name, "nothing of this name".into());
            continue;
        };
        let [low, high] = [drawn.at(-reach), drawn.at(1.0 + reach)];
        // Files hold parameters in single precision.
        let beyond = |value: f64| value < low - 1e-5 * low.abs() || value > high + 1e-5 * high.abs();
        for &value in found.values.iter().filter(|&&value| beyond(value)) {
            differs(&format!("scalars/{}", drawn.name), format!("a value from {low} to {high}"), value.to_string());
        }
    }
    findings
}
