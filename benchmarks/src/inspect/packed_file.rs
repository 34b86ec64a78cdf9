//! Inspects one packed file.

use std::ops::ControlFlow;
use std::path::Path;

use super::channel_scan::{ChannelScan, repeats};
use super::findings::{Finding, Findings};
use super::report::{AxisReport, Contents, FieldReport, FileKind, ParameterReport};
use crate::label_scale::Scaling;
use crate::packed::{Packed, PackedAxis, PackedChannel, Window};
use crate::progress::Progress;
use crate::split::Split;
use crate::systems::Rank;
use crate::{Error, Result};

/// What the file holds, as far as it can be read; with its checksum compared and the statistics of its values if they
/// are `wanted`. Values are normalised.
pub(super) fn inspect(
    path: &Path,
    wanted: bool,
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<Option<Contents>> {
    let Some(packed) = findings.keep(Packed::open(path)) else { return Ok(None) };
    let header = packed.header();
    let [nx, ny] = header.grid();
    // A file with values is as large as its header says, so from here on no size is unreasonable.
    if [header.trajectories.len(), header.channels.len(), header.frames, nx, ny].contains(&0) {
        findings.add(Finding::error("header", "expected trajectories of at least one frame, found no values at all"));
        return Ok(None);
    }
    let mut contents = outline(&packed);
    labels(&packed, findings);
    if wanted {
        findings.keep(packed.verify());
        // What is damaged is looked at all the same.
        packed.assume_intact();
        let channel = |(index, channel): (usize, &PackedChannel)| {
            ChannelScan::new(channel.name.clone(), format!("channel {index} ({})", channel.name), ny, None)
        };
        let mut scans: Vec<ChannelScan> = header.channels.iter().enumerate().map(channel).collect();
        for trajectory in 0..header.trajectories.len() {
            contents.hashes.push(Some(scan(&packed, trajectory, &mut scans, findings, progress)?));
        }
        contents.channels = scans.into_iter().map(|scan| scan.finish(findings)).collect();
        repeats(&contents.hashes, findings);
    }
    Ok(Some(contents))
}

fn outline(packed: &Packed) -> Contents {
    let header = packed.header();
    let trajectories = header.trajectories.len();
    let axis = |axis: &PackedAxis| AxisReport {
        name: axis.name.clone(),
        points: axis.coordinates.len(),
        boundary: axis.boundary,
        ends: [axis.coordinates[0], axis.coordinates[axis.coordinates.len() - 1]],
    };
    let [nx, ny] = header.grid();
    let channel = |channel: &PackedChannel| FieldReport {
        name: channel.name.clone(),
        rank: Rank::Scalar,
        shape: vec![trajectories, header.frames, nx, ny],
        dtype: "float32".into(),
        storage: format!("normalised by {:.4e}, {:.4e}", channel.stats.mean, channel.stats.std),
        bytes: (trajectories * header.frames * nx * ny * size_of::<f32>()) as u64,
    };
    let parameter = |(index, scaling): (usize, &Scaling)| {
        ParameterReport::new(&scaling.name, header.trajectories.iter().map(|t| t.raw[index]))
    };
    Contents {
        kind: FileKind::Packed {
            suite: format!("{} v{}", header.suite, header.suite_version),
            splits: Split::ALL.map(|split| (split.name().to_owned(), header.splits[split].len())).to_vec(),
            checksum: header.checksum.clone(),
        },
        dataset: header.system.clone(),
        trajectories,
        axes: header.axes.iter().map(axis).collect(),
        frames: header.frames,
        times: [0.0, header.frames.saturating_sub(1) as f64 * header.dt],
        parameters: header.scalings.iter().enumerate().map(parameter).collect(),
        fields: header.channels.iter().map(channel).collect(),
        channels: Vec::new(),
        hashes: Vec::new(),
    }
}

/// Labels are the scaled parameters.
fn labels(packed: &Packed, findings: &mut Findings) {
    let header = packed.header();
    for (index, trajectory) in header.trajectories.iter().enumerate() {
        for ((scaling, raw), label) in header.scalings.iter().zip(&trajectory.raw).zip(&trajectory.labels) {
            let expected = scaling.label(*raw);
            // A value that is not finite is near to nothing.
            let near = (label - expected).abs() <= 1e-9 * expected.abs().max(1.0);
            if !near {
                findings.add(Finding::error(
                    format!("trajectory {index}, label {}", scaling.name),
                    format!("expected {expected} for the value {raw}, found {label}"),
                ));
            }
        }
    }
}

/// Scans a trajectory, and returns the hash of its values.
fn scan(
    packed: &Packed,
    trajectory: usize,
    scans: &mut [ChannelScan],
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<String> {
    let header = packed.header();
    let points: usize = header.grid().iter().product();
    let mut hash = blake3::Hasher::new();
    let mut frame = vec![0.0_f32; packed.clip_len(1)];
    scans.iter_mut().for_each(ChannelScan::begin_trajectory);
    for start in 0..header.frames {
        packed.clip(Window { trajectory, start }, 1, &mut frame)?;
        hash.update(bytemuck::cast_slice(&frame));
        for (scan, values) in scans.iter_mut().zip(frame.chunks_exact(points)) {
            scan.frame(values, findings);
        }
        let (done, total) = (trajectory * header.frames + start + 1, header.trajectories.len() * header.frames);
        if progress.report(done, total, "values") == ControlFlow::Break(()) {
            return Err(Error::Stopped);
        }
    }
    Ok(hash.finalize().to_hex().to_string())
}
