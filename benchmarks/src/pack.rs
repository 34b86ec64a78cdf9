//! Packs one system's files of The Well into one file that training reads without HDF5.

use std::fs;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::atomic_file::{create_folder, folder_of, replace};
use crate::error::IoContext;
use crate::generate;
use crate::packed::{self, Channel, FORMAT, Header, Packed, PackedAxis, PackedTrajectory};
use crate::progress::Progress;
use crate::split::{PerSplit, Split};
use crate::suite::{Suite, SystemSuite};
use crate::systems::System;
use crate::view::View;
use crate::well::{self, ChannelStats, WellFile, read_stats};
use crate::{Error, Result};

/// Where `data` keeps the packed file of a suite's system.
pub fn file(suite: &Suite, system: &str, data: &Path) -> PathBuf {
    data.join(system).join(format!("{}-v{}.packed", suite.name, suite.version))
}

/// Packs the data of `system` in `data`, generated or published, into the file `out`, and opens it.
///
/// Frames are cropped and resized as the suite says (see [`View`]), and normalised with the training split's statistics in
/// `stats.yaml`, unless the suite says otherwise. Nothing is done if `out` has been packed
/// from the same data under the same suite before (generated data is told by its key, other data by the names and sizes of
/// its files); a packed file of other data, of another format, or a damaged one is replaced. Progress counts trajectories.
///
/// # Errors
/// [`Error::Suite`] if the suite's section does not fit the system; [`Error::Folder`] if the data was generated with
/// other settings, or `out` is some other file; [`Error::Format`] if a file of the data does not fit the suite;
/// [`Error::Stopped`] if `progress` asked for it; [`Error::Io`] and [`Error::Hdf5`] for what cannot be read or written.
pub fn pack(suite: &Suite, system: &dyn System, data: &Path, out: &Path, progress: &dyn Progress) -> Result<Packed> {
    let section = suite.section(system)?;
    let key = generate::key(suite, system, data)?;
    let files = source_files(suite, section, data, key.is_some())?;
    let source = source(suite, system, section, data, key.as_deref(), &files)?;
    if out.exists() {
        match Packed::open(out) {
            Ok(packed) if packed.header().source == source => return Ok(packed),
            Ok(_) => {}
            Err(_) if packed::is_packed(out)? => {}
            Err(e) => {
                return Err(Error::folder(
                    out,
                    format!("it is not replaced, since it is no packed file ({e}); remove it or name another"),
                ));
            }
        }
    }
    let files = files
        .into_iter()
        .map(|(split, path)| Ok((split, Checked::open(&path, split, system, section)?)))
        .collect::<Result<Vec<_>>>()?;
    let view = View::of(section);
    let header = header(suite, system, section, &view, data, source, &files)?;
    create_folder(folder_of(out))?;
    replace(out, |file| write(file, out, header, &view, &files, progress))?;
    Packed::open(out)
}

/// The files of all splits, in the order in which they are packed.
fn source_files(suite: &Suite, section: &SystemSuite, data: &Path, generated: bool) -> Result<Vec<(Split, PathBuf)>> {
    let mut files = Vec::new();
    for split in section.splits() {
        let folder = well::split_folder(data, &section.name, split);
        if section.generate.is_none() && !folder.exists() {
            let reason = format!(
                "The Well's files are not there; `physrep-bench data fetch {} --out {}` downloads them",
                section.name,
                data.display()
            );
            return Err(Error::folder(&folder, reason));
        }
        files.extend(well::split_files(data, &section.name, split)?.into_iter().map(|path| (split, path)));
    }
    if let (true, Some(generation)) = (generated, &section.generate) {
        let mut planned: Vec<_> =
            generate::plan(section, generation, suite.seed, data).into_iter().map(|f| (f.split, f.path)).collect();
        planned.sort();
        if let Some((_, path)) = planned.iter().find(|f| !files.contains(f)) {
            return Err(Error::folder(path, "this file is missing; generate the data again to complete it"));
        }
        if let Some((_, path)) = files.iter().find(|f| !planned.contains(f)) {
            return Err(Error::folder(path, "this file does not belong to the generated data; remove it"));
        }
    }
    Ok(files)
}

/// Hash of everything that the packed bytes depend on.
fn source(
    suite: &Suite,
    system: &dyn System,
    section: &SystemSuite,
    data: &Path,
    key: Option<&str>,
    files: &[(Split, PathBuf)],
) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    add(&FORMAT.to_le_bytes());
    add(suite.name.as_bytes());
    add(&suite.version.to_le_bytes());
    add(&[u8::from(suite.normalise)]);
    add(&serde_json::to_vec(section).expect("a section is plain JSON"));
    add(key.unwrap_or_default().as_bytes());
    for (split, path) in files {
        add(split.name().as_bytes());
        add(path.file_name().unwrap_or_default().as_encoded_bytes());
        add(&fs::metadata(path).at("read", path)?.len().to_le_bytes());
    }
    let statistics = well::stats_file(data, system.name());
    add(&fs::read(&statistics).at("read", &statistics)?);
    Ok(hasher.finalize().to_hex().to_string())
}

/// A file that fits the system and the suite, and its parameters.
struct Checked {
    file: WellFile,
    parameters: Vec<f64>,
}

impl Checked {
    fn open(path: &Path, split: Split, system: &dyn System, section: &SystemSuite) -> Result<Self> {
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
            // Files hold parameters in single precision; the suite's value is the one that was meant.
            let values = if split == Split::HeldOut { grid.all() } else { grid.values.clone() };
            let Some(&meant) = values.iter().find(|v| (*v - value).abs() <= 1e-6 * v.abs()) else {
                return fail(&format!("scalars/{}", parameter.name), format!("one of {values:?}"), value.to_string());
            };
            parameters.push(meant);
        }
        Ok(Self { file, parameters })
    }
}

fn header(
    suite: &Suite,
    system: &dyn System,
    section: &SystemSuite,
    view: &View,
    data: &Path,
    source: String,
    files: &[(Split, Checked)],
) -> Result<Header> {
    let fields = system.fields();
    let mut statistics = read_stats(&well::stats_file(data, system.name()), &fields)?.into_iter();
    let channels = fields
        .iter()
        .flat_map(|field| {
            field.rank.suffixes().iter().enumerate().map(move |(component, suffix)| (field, component, suffix))
        })
        .zip(&mut statistics)
        .map(|((field, component, suffix), stats)| Channel {
            name: format!("{}{suffix}", field.name),
            field: field.name.clone(),
            rank: field.rank,
            component,
            stats: if suite.normalise { stats } else { ChannelStats::IDENTITY },
        })
        .collect();
    let scalings = section.scalings();
    let mut trajectories = Vec::new();
    for (_, Checked { file, parameters }) in files {
        let name = file.path().strip_prefix(data).unwrap_or(file.path()).to_string_lossy().into_owned();
        let labels: Vec<f64> = scalings.iter().zip(parameters).map(|(s, &raw)| s.label(raw)).collect();
        trajectories.extend((0..file.layout().trajectories).map(|index| PackedTrajectory {
            file: name.clone(),
            index,
            raw: parameters.clone(),
            labels: labels.clone(),
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
    Ok(Header {
        format: FORMAT,
        system: system.name().into(),
        suite: suite.name.clone(),
        suite_version: suite.version,
        source,
        // As long as the real one, which takes its place once the values are written.
        checksum: "0".repeat(2 * blake3::OUT_LEN),
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

fn write(
    file: &mut fs::File,
    out: &Path,
    mut header: Header,
    view: &View,
    files: &[(Split, Checked)],
    progress: &dyn Progress,
) -> Result<()> {
    let mut writer = BufWriter::new(file);
    let mut checksum = blake3::Hasher::new();
    writer.write_all(&header.to_bytes()).at("write", out)?;
    let mut done = 0;
    for (_, Checked { file, .. }) in files {
        let stored = file.layout().grid().iter().product();
        for trajectory in 0..file.layout().trajectories {
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
                    writer.write_all(bytes).at("write", out)?;
                }
            }
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
