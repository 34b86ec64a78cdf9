//! Statistics of fields over the training split, as The Well's `stats.yaml` holds them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::moments::Moments;
use super::reader::WellFile;
use crate::error::IoContext;
use crate::systems::{Field, Rank};
use crate::{Error, Result, regular_file};

/// The Well divides by no smaller standard deviation than this.
pub(crate) const STD_FLOOR: f64 = 1e-4;

/// Statistics of one field, one value for each component.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldStats {
    /// The field.
    pub field: Field,
    /// Moments of the values.
    pub values: Vec<Moments>,
    /// Moments of the differences between one frame and the next.
    pub deltas: Vec<Moments>,
}

/// One of the statistics in `stats.yaml`.
pub(crate) struct Statistic {
    /// Its key.
    pub name: &'static str,
    /// Whether it is of the differences between one frame and the next, not of the values.
    deltas: bool,
    /// Computes it.
    pub value: fn(&Moments) -> f64,
}

/// All of them, in the file's order.
pub(crate) const STATISTICS: [Statistic; 6] = [
    Statistic { name: "mean", deltas: false, value: Moments::mean },
    Statistic { name: "std", deltas: false, value: Moments::std },
    Statistic { name: "rms", deltas: false, value: Moments::rms },
    Statistic { name: "mean_delta", deltas: true, value: Moments::mean },
    Statistic { name: "std_delta", deltas: true, value: Moments::std },
    Statistic { name: "rms_delta", deltas: true, value: Moments::rms },
];

impl Statistic {
    /// What it is computed from: the moments of the values, or of the differences.
    pub fn choose<'a, T: ?Sized>(&self, values: &'a T, deltas: &'a T) -> &'a T {
        if self.deltas { deltas } else { values }
    }
}

/// Statistics of all fields over all trajectories, times and points of `files`, in double precision.
///
/// # Errors
/// Those of [`WellFile`]; [`Error::Format`] if the files have different fields.
pub(crate) fn compute_stats<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<Vec<FieldStats>> {
    let mut all: Vec<FieldStats> = Vec::new();
    for path in files {
        let file = WellFile::open(path)?;
        let layout = file.layout();
        if all.is_empty() {
            let none = |f: &Field| vec![Moments::default(); f.rank.components()];
            all = layout
                .fields
                .iter()
                .map(|f| FieldStats { field: f.clone(), values: none(f), deltas: none(f) })
                .collect();
        }
        if !all.iter().map(|s| &s.field).eq(&layout.fields) {
            let expected = all.iter().map(|s| s.field.name.as_str()).collect::<Vec<_>>().join(", ");
            let found = layout.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::format(path, "fields", format!("{expected}, as in the first file"), found));
        }
        for trajectory in 0..layout.trajectories {
            for stats in &mut all {
                let values = file.read(&stats.field.name, trajectory..trajectory + 1, 0..layout.times.len())?;
                stats.add(&values, layout.frame_len(&stats.field));
            }
        }
    }
    Ok(all)
}

impl FieldStats {
    /// Adds one trajectory, of frames of `frame_len` values.
    fn add(&mut self, trajectory: &[f32], frame_len: usize) {
        let components = self.field.rank.components();
        for component in 0..components {
            let of = |values: &'_ [f32]| -> Vec<f64> {
                values.iter().skip(component).step_by(components).map(|&v| f64::from(v)).collect()
            };
            let (values, points) = (of(trajectory), frame_len / components);
            self.values[component] = self.values[component].merge(Moments::of(values.iter().copied()));
            let deltas = values.iter().zip(values.iter().skip(points)).map(|(now, next)| next - now);
            self.deltas[component] = self.deltas[component].merge(Moments::of(deltas));
        }
    }
}

/// The text of `stats.yaml`.
pub(crate) fn stats_yaml(stats: &[FieldStats]) -> String {
    let mut yaml = String::new();
    for statistic in &STATISTICS {
        yaml += &format!("{}:\n", statistic.name);
        for field in stats {
            let n: Vec<String> = statistic
                .choose(&field.values, &field.deltas)
                .iter()
                .map(|m| scientific((statistic.value)(m)))
                .collect();
            let value = match field.field.rank {
                Rank::Scalar => n[0].clone(),
                Rank::Vector => format!("[{}, {}]", n[0], n[1]),
                Rank::Tensor => format!("[[{}, {}], [{}, {}]]", n[0], n[1], n[2], n[3]),
            };
            yaml += &format!("  {}: {value}\n", field.field.name);
        }
    }
    yaml
}

/// C's `%.4E`. PyYAML parses a number as one only if its exponent has a sign.
fn scientific(number: f64) -> String {
    let text = format!("{number:.4E}");
    let (digits, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
    format!("{digits}E{sign}{exponent:0>2}")
}

/// The statistics that a channel is normalised with: `(value - mean) / max(std, STD_FLOOR)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelStats {
    /// Mean over the training split.
    pub mean: f64,
    /// Population standard deviation over the training split, as stored.
    pub std: f64,
}

impl ChannelStats {
    /// Leaves values as they are.
    pub(crate) const IDENTITY: Self = Self { mean: 0.0, std: 1.0 };

    /// The normalised value, in single precision as The Well's own reader computes it.
    pub fn normalise(&self, value: f32) -> f32 {
        (value - self.mean as f32) / self.std.max(STD_FLOOR) as f32
    }
}

/// Reads means and standard deviations of `fields` from a `stats.yaml`, one for each component in turn.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it lacks a field or a value.
pub(crate) fn read_stats(path: &Path, fields: &[Field]) -> Result<Vec<ChannelStats>> {
    let text = regular_file::read_text(path).at("read", path)?;
    let file: Yaml = serde_norway::from_str(&text).map_err(|e| {
        Error::format(path, "file", "`mean` and `std` of every field", e.to_string().replace('\n', " "))
    })?;
    let mut channels = Vec::new();
    for field in fields {
        let means = components(path, "mean", &file.mean, field)?;
        let stds = components(path, "std", &file.std, field)?;
        channels.extend(means.into_iter().zip(stds).map(|(mean, std)| ChannelStats { mean, std }));
    }
    Ok(channels)
}

#[derive(Deserialize)]
struct Yaml {
    mean: BTreeMap<String, Components>,
    std: BTreeMap<String, Components>,
}

/// The values of a field, one for each component.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Components {
    Scalar(f64),
    Vector([f64; 2]),
    Tensor([[f64; 2]; 2]),
}

impl Components {
    pub fn list(&self) -> Vec<f64> {
        match self {
            Self::Scalar(n) => vec![*n],
            Self::Vector(n) => n.to_vec(),
            Self::Tensor(n) => n.concat(),
        }
    }
}

fn components(path: &Path, key: &str, of: &BTreeMap<String, Components>, field: &Field) -> Result<Vec<f64>> {
    let place = format!("{key}/{}", field.name);
    let numbers = of.get(&field.name).map(Components::list).unwrap_or_default();
    if numbers.len() != field.rank.components() || numbers.iter().any(|n| !n.is_finite()) {
        let expected = format!("{} finite value(s)", field.rank.components());
        return Err(Error::format(path, place, expected, format!("{numbers:?}")));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests;
