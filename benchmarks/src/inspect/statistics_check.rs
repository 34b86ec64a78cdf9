//! Compares a data set's `stats.yaml` with what its training files hold.

use std::collections::BTreeMap;
use std::path::Path;

use super::findings::Finding;
use super::report::{ChannelReport, Contents};
use crate::error::IoContext;
use crate::well::{Components, STATISTICS, STD_FLOOR};
use crate::{Result, regular_file};

/// How far a value may be from the computed one, relative to it: it is written with five digits.
const DIGITS: f64 = 1e-4;

/// The same relative to the channel's standard deviation: other programs sum in another order or precision.
const ROUNDING: f64 = 1e-3;

/// Finds the statistics of the file that differ from those of the training files.
pub(super) fn check(path: &Path, train: &[&Contents]) -> Vec<Finding> {
    let kept = match read(path) {
        Ok(kept) => kept,
        Err(problem) => return vec![Finding::of(&problem)],
    };
    let mut findings = Vec::new();
    let Some((first, others)) = train.split_first() else { return findings };
    let all = others.iter().fold((*first).clone(), |all, one| all.with(one));
    let mut channels = all.channels.into_iter();
    for field in &all.fields {
        let channels: Vec<ChannelReport> = channels.by_ref().take(field.rank.components()).collect();
        for statistic in &STATISTICS {
            let key = statistic.name;
            let place = format!("{key}/{}", field.name);
            let Some(values) = kept.get(key).and_then(|fields| fields.get(&field.name)) else {
                findings.push(Finding::error(place, "expected a value for each component, found nothing"));
                continue;
            };
            let values = values.list();
            if values.len() != channels.len() {
                let expected = format!("expected {} value(s), found {}", channels.len(), values.len());
                findings.push(Finding::error(place, expected));
                continue;
            }
            for (channel, found) in channels.iter().zip(values) {
                let moments = statistic.choose(&channel.values, &channel.deltas);
                let expected = (statistic.value)(moments);
                let near = DIGITS * expected.abs() + ROUNDING * moments.std().max(STD_FLOOR);
                let differ = found.is_nan() || (found - expected).abs() > near;
                if differ {
                    let found = format!("expected {expected:.4E} as in the training files, found {found:.4E}");
                    findings.push(Finding::error(format!("{key}/{}", channel.name), found));
                }
            }
        }
    }
    findings
}

fn read(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, Components>>> {
    let text = regular_file::read_text(path).at("read", path)?;
    serde_norway::from_str(&text)
        .map_err(|e| crate::Error::format(path, "file", "values for every field", e.to_string()))
}
