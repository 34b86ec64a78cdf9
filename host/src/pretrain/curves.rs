//! The curves of a pretraining.

use std::{path::Path, sync::Mutex};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, files};

/// One value of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    step: u64,
    name: String,
    value: f64,
}

/// The curves of a pretraining: the loss, the learning rate, and whatever the method records.
#[derive(Debug, Default)]
pub struct Curves(Mutex<Vec<Point>>);

impl Curves {
    /// Adds a value at a step.
    pub fn record(&self, name: &str, step: u64, value: f64) {
        let point = Point { step, name: name.to_owned(), value };
        self.0.lock().unwrap_or_else(|e| e.into_inner()).push(point);
    }

    /// Every value: its name, step and value.
    pub fn points(&self) -> Vec<(String, u64, f64)> {
        let points = self.0.lock().unwrap_or_else(|e| e.into_inner());
        points.iter().map(|point| (point.name.clone(), point.step, point.value)).collect()
    }

    /// Writes all points as CSV.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for point in self.0.lock().unwrap_or_else(|e| e.into_inner()).iter() {
            writer.serialize(point).map_err(|e| csv_error(path, e))?;
        }
        let bytes = writer.into_inner().map_err(|e| csv_error(path, e.into_error().into()))?;
        files::write(path, &bytes)
    }

    /// Takes the points before `step` that an interrupted attempt left.
    pub(super) fn restore(&self, path: &Path, step: u64) -> Result<()> {
        let bytes = files::read(path)?;
        let points: Vec<Point> = csv::Reader::from_reader(bytes.as_slice())
            .deserialize()
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| csv_error(path, e))?;
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) =
            points.into_iter().filter(|point| point.step < step).collect();
        Ok(())
    }
}

fn csv_error(path: &Path, error: csv::Error) -> Error {
    Error::File { path: path.to_owned(), reason: error.to_string() }
}
