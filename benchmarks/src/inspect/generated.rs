//! Compares generated data with the settings that lie beside it in `generated.json`.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::findings::Finding;
use super::report::Contents;
use crate::error::IoContext;
use crate::{Error, Result};

/// The settings that data was generated with.
#[derive(Deserialize)]
pub(super) struct Generated {
    key: String,
    settings: Map<String, Value>,
}

impl Generated {
    /// The settings in `path`, if there is such a file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read(path).at("read", path)?;
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|e| Error::format(path, "file", "the settings of generated data", e.to_string()))
    }

    /// The key is the settings' hash, and tells a changed one.
    pub fn check(&self) -> Option<Finding> {
        let found = blake3::hash(Value::Object(self.settings.clone()).to_string().as_bytes()).to_hex();
        let message = format!("expected {found}, the hash of the settings, found {}; the file was changed", self.key);
        (found.as_str() != self.key).then(|| Finding::error("key", message))
    }

    /// What of a file is not as the settings say.
    pub fn check_file(&self, contents: &Contents) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut differs = |place: &str, expected: String, found: String| {
            let message = format!("expected {expected}, as in generated.json, found {found}");
            findings.push(Finding::error(place, message));
        };
        let grid: Vec<usize> = contents.axes.iter().map(|axis| axis.points).collect();
        if let Some(store) = self.get::<Vec<usize>>("store").filter(|store| *store != grid) {
            differs("grid", format!("{store:?}"), format!("{grid:?}"));
        }
        if let Some(frames) = self.get::<usize>("frames").filter(|&frames| frames != contents.frames) {
            differs("dimensions/time", format!("{frames} frames"), contents.frames.to_string());
        } else if let Some(dt) = self.get::<f64>("dt") {
            let last = dt * contents.frames.saturating_sub(1) as f64;
            let even = contents.times[0].abs() <= 1e-3 * dt && (contents.times[1] - last).abs() <= 1e-3 * dt;
            if !even {
                let [start, end] = contents.times;
                differs("dimensions/time", format!("times from 0 to {last}"), format!("{start} to {end}"));
            }
        }
        let held_out = self.get::<Vec<Grid>>("held_out").unwrap_or_default();
        for mut grid in self.get::<Vec<Grid>>("parameters").unwrap_or_default() {
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

    fn get<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        self.settings.get(name).and_then(|value| T::deserialize(value).ok())
    }
}

/// A parameter's values.
#[derive(Deserialize)]
struct Grid {
    name: String,
    values: Vec<f64>,
}
