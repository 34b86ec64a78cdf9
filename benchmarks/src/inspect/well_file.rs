//! Inspects one file of The Well.

use std::ops::ControlFlow;
use std::path::Path;

use hdf5::Dataset;
use hdf5::filters::Filter;

use super::channel_scan::{ChannelScan, repeats};
use super::findings::{Finding, Findings};
use super::frame_repeats::{self, FrameHashes};
use super::report::{AxisReport, Contents, FieldReport, FileKind, ParameterReport};
use super::{file_name, well_format};
use crate::progress::Progress;
use crate::systems::Field;
use crate::well::checked_hdf5::CheckedHdf5;
use crate::well::reader::Problems;
use crate::well::{WellAxis, WellFile, WellLayout, fields_group};
use crate::{Error, Result};

/// The most bytes of a field that are in memory at a time, unless one frame alone has more.
const BLOCK: usize = 64 << 20;

/// What the file holds, as far as it can be read; with the statistics of its values if they are `wanted`.
pub(super) fn inspect(
    path: &Path,
    bytes: u64,
    wanted: bool,
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<Option<Contents>> {
    let mut problems = Problems::default();
    let opened = WellFile::inspect(path, &mut problems);
    problems.0.iter().for_each(|problem| findings.problem(problem));
    let Some((hdf5, file)) = opened else { return Ok(None) };
    let layout = file.layout();
    well_format::check(&CheckedHdf5 { path, bytes }, &hdf5, layout, findings);
    file_name::check(path, &layout.scalars, findings);
    let mut contents = outline(&file);
    if wanted {
        let mut scans: Vec<Vec<ChannelScan>> = layout.fields.iter().map(|field| channels(layout, field)).collect();
        let mut trajectories = Vec::new();
        for trajectory in 0..layout.trajectories {
            let frames = scan(&file, trajectory, &mut scans, findings, progress)?;
            // What was left out may differ where the rest does not.
            trajectories.push(frames.filter(|_| problems.0.is_empty()));
        }
        let mut fields = Vec::new();
        for (field, scans) in layout.fields.iter().zip(scans) {
            let channels: Vec<_> = scans.into_iter().map(|scan| scan.finish(findings)).collect();
            fields.push((place(field), channels.iter().all(|channel| channel.constant)));
            contents.channels.extend(channels);
        }
        frame_repeats::check(&fields, &trajectories, findings);
        contents.hashes = trajectories.iter().map(hash).collect();
        repeats(&contents.hashes, findings);
    }
    Ok(Some(contents))
}

fn outline(file: &WellFile) -> Contents {
    let layout = file.layout();
    let axis = |axis: &WellAxis| AxisReport {
        name: axis.name.clone(),
        points: axis.coordinates.len(),
        boundary: axis.boundary,
        ends: ends(&axis.coordinates).map(f64::from),
    };
    let field = |(index, field): (usize, &Field)| {
        let dataset = file.dataset(index);
        let dtype = dataset.dtype().and_then(|t| t.to_descriptor()).map_or("?".into(), |t| t.to_string());
        FieldReport {
            name: field.name.clone(),
            rank: field.rank,
            shape: layout.shape(field),
            dtype,
            storage: storage(dataset),
            bytes: dataset.storage_size(),
        }
    };
    Contents {
        kind: FileKind::Well,
        dataset: layout.dataset.clone(),
        trajectories: layout.trajectories,
        axes: layout.axes.iter().map(axis).collect(),
        frames: layout.times.len(),
        times: ends(&layout.times),
        parameters: layout
            .scalars
            .iter()
            .map(|scalar| ParameterReport::new(&scalar.name, scalar.values.iter().copied()))
            .collect(),
        fields: layout.fields.iter().enumerate().map(field).collect(),
        channels: Vec::new(),
        hashes: Vec::new(),
    }
}

/// The first and the last of a list that is not empty.
fn ends<T: Copy>(list: &[T]) -> [T; 2] {
    [list[0], list[list.len() - 1]]
}

/// `contiguous`, or `chunks 1x1x64x64, shuffle, gzip 4`.
fn storage(dataset: &Dataset) -> String {
    let Some(chunk) = dataset.chunk() else { return "contiguous".into() };
    let chunk: Vec<_> = chunk.iter().map(usize::to_string).collect();
    let filters = dataset.filters().into_iter().map(|filter| match filter {
        Filter::Deflate(level) => format!(", gzip {level}"),
        other => format!(", {}", format!("{other:?}").to_lowercase()),
    });
    format!("chunks {}{}", chunk.join("x"), filters.collect::<String>())
}

/// What findings call a field.
fn place(field: &Field) -> String {
    format!("{}/{}", fields_group(field.rank), field.name)
}

/// A hash of a frame's values. NaN equals nothing, so values that are not finite give a hash that no other frame has.
fn frame_hash(values: &[f32], frame: usize) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(bytemuck::cast_slice(values));
    if values.iter().any(|value| !value.is_finite()) {
        hasher.update(&(frame as u64).to_le_bytes());
    }
    hasher.finalize()
}

/// A hash of the values of a trajectory, if all were read.
fn hash(frames: &FrameHashes) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    for frame in frames.as_ref()?.iter().flatten() {
        hasher.update(frame.as_bytes());
    }
    Some(hasher.finalize().to_hex().to_string())
}

/// A scan for each component of a field.
fn channels(layout: &WellLayout, field: &Field) -> Vec<ChannelScan> {
    let place = place(field);
    let suffixes = field.rank.suffixes().iter().enumerate();
    suffixes
        .map(|(component, suffix)| {
            let name = format!("{}{suffix}", field.name);
            let component = (field.rank.components() > 1).then_some(component);
            ChannelScan::new(name, place.clone(), layout.grid()[1], component)
        })
        .collect()
}

/// Scans a trajectory, and returns the hashes of its frames.
fn scan(
    file: &WellFile,
    trajectory: usize,
    scans: &mut [Vec<ChannelScan>],
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<FrameHashes> {
    let layout = file.layout();
    let frames = layout.times.len();
    let mut hashes = Some(Vec::new());
    let mut now = Vec::new();
    for (index, (field, scans)) in layout.fields.iter().zip(scans).enumerate() {
        let frame_len = layout.frame_len(field);
        let block = (BLOCK / (frame_len * size_of::<f32>())).clamp(1, frames);
        let mut own = Vec::new();
        scans.iter_mut().for_each(ChannelScan::begin_trajectory);
        for start in (0..frames).step_by(block) {
            let end = (start + block).min(frames);
            let values = match file.read_any(&field.name, trajectory..trajectory + 1, start..end) {
                Ok(values) => values,
                Err(problem) => {
                    let place = format!("{}[{trajectory}, {start}..{end}]", place(field));
                    findings.add(Finding { place, ..Finding::of(&problem) });
                    break;
                }
            };
            for frame in values.chunks_exact(frame_len) {
                own.push(frame_hash(frame, own.len()));
                for (component, scan) in scans.iter_mut().enumerate() {
                    now.clear();
                    now.extend(frame.iter().skip(component).step_by(field.rank.components()));
                    scan.frame(&now, findings);
                }
            }
            let done = (trajectory * layout.fields.len() + index) * frames + end;
            let total = layout.trajectories * layout.fields.len() * frames;
            if progress.report(done, total, &field.name) == ControlFlow::Break(()) {
                return Err(Error::Stopped);
            }
        }
        hashes = hashes.filter(|_| own.len() == frames).map(|mut hashes: Vec<_>| {
            hashes.push(own);
            hashes
        });
    }
    Ok(hashes)
}
