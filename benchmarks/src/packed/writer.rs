//! Writes a packed file.

use std::fs;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

use super::crop_resize::CropResize;
use super::header::{FORMAT, PackedAxis, PackedChannel, PackedHeader, PackedTrajectory};
use super::source_file::SourceFile;
use crate::error::IoContext;
use crate::progress::Progress;
use crate::split::{PerSplit, Split};
use crate::suite::{Suite, SystemSuite};
use crate::systems::System;
use crate::well::{self, ChannelStats, STD_FLOOR, read_stats};
use crate::{Error, Result};

/// The header of the file to be, but for the checksum of its values.
pub(super) fn header(
    suite: &Suite,
    system: &dyn System,
    section: &SystemSuite,
    view: &CropResize,
    data: &Path,
    source: String,
    files: &[(Split, SourceFile)],
) -> Result<PackedHeader> {
    let fields = system.fields();
    let mut statistics = read_stats(&well::stats_file(data, system.name()), &fields)?.into_iter();
    let channels = fields
        .iter()
        .flat_map(|field| {
            field.rank.suffixes().iter().enumerate().map(move |(component, suffix)| (field, component, suffix))
        })
        .zip(&mut statistics)
        .map(|((field, component, suffix), stats)| PackedChannel {
            name: format!("{}{suffix}", field.name),
            field: field.name.clone(),
            rank: field.rank,
            component,
            stats: if suite.normalise { stats } else { ChannelStats::IDENTITY },
            constant: stats.std <= STD_FLOOR,
        })
        .collect();
    let scalings = section.scalings();
    let mut trajectories = Vec::new();
    for (_, source) in files {
        let path = source.file.path();
        let name = path.strip_prefix(data).unwrap_or(path).to_string_lossy().into_owned();
        trajectories.extend(source.trajectories.iter().enumerate().map(|(index, (parameters, regime))| {
            PackedTrajectory {
                file: name.clone(),
                index,
                regime: *regime,
                raw: parameters.clone(),
                labels: scalings.iter().zip(parameters).map(|(s, &raw)| s.label(raw)).collect(),
                checksum: no_checksum(),
            }
        }));
    }
    let count =
        |split| files.iter().filter(|(s, _)| *s == split).map(|(_, f)| f.file.layout().trajectories).sum::<usize>();
    let valid = count(Split::Train);
    let test = valid + count(Split::Valid);
    let held_out = test + count(Split::Test);
    let axes = system.axes_with(&section.constants(system));
    let axis = |index: usize| PackedAxis {
        name: axes[index].name.clone(),
        boundary: view.boundary(index, &axes[index]),
        coordinates: view.coordinates(index, &axes[index]),
    };
    Ok(PackedHeader {
        format: FORMAT,
        system: system.name().into(),
        suite: suite.name.clone(),
        suite_version: suite.version,
        source,
        checksum: no_checksum(),
        channels,
        frames: section.frames,
        axes: [axis(0), axis(1)],
        dt: section.dt,
        scalings,
        splits: PerSplit {
            train: 0..valid,
            valid: valid..test,
            test: test..held_out,
            held_out: held_out..trajectories.len(),
        },
        trajectories,
    })
}

/// A checksum as long as the real one, which takes its place once the values are written.
fn no_checksum() -> String {
    "0".repeat(2 * blake3::OUT_LEN)
}

/// Writes the header and the values, normalised as the header says.
pub(super) fn write(
    file: &mut fs::File,
    out: &Path,
    mut header: PackedHeader,
    view: &CropResize,
    files: &[(Split, SourceFile)],
    progress: &dyn Progress,
) -> Result<()> {
    let mut writer = BufWriter::new(file);
    let mut checksum = blake3::Hasher::new();
    writer.write_all(&header.to_bytes()).at("write", out)?;
    let mut done = 0;
    for (_, SourceFile { file, .. }) in files {
        let stored = file.layout().grid().iter().product();
        for trajectory in 0..file.layout().trajectories {
            let mut own = blake3::Hasher::new();
            for channels in header.channels.chunk_by(|a, b| a.field == b.field) {
                let values = file.read(&channels[0].field, trajectory..trajectory + 1, 0..header.frames)?;
                for channel in channels {
                    let component: Vec<f32> =
                        values.iter().skip(channel.component).step_by(channels.len()).copied().collect();
                    let mut seen = Vec::with_capacity(header.frames * header.frame_len());
                    component.chunks_exact(stored).for_each(|frame| view.push(frame, &mut seen));
                    seen.iter_mut().for_each(|value| *value = channel.stats.normalise(*value));
                    let bytes = bytemuck::cast_slice(&seen);
                    checksum.update(bytes);
                    own.update(bytes);
                    writer.write_all(bytes).at("write", out)?;
                }
            }
            header.trajectories[done].checksum = own.finalize().to_hex().to_string();
            done += 1;
            let note = file.path().file_name().unwrap_or_default().to_string_lossy();
            if progress.report(done, header.trajectories.len(), &note) == ControlFlow::Break(()) {
                return Err(Error::Stopped);
            }
        }
    }
    header.checksum = checksum.finalize().to_hex().to_string();
    writer.seek(SeekFrom::Start(0)).at("write", out)?;
    writer.write_all(&header.to_bytes()).at("write", out)?;
    writer.flush().at("write", out)
}
