//! Packs one system's files of The Well into one file that training reads without HDF5.

use std::fs;
use std::path::{Path, PathBuf};

use super::crop_resize::CropResize;
use super::provenance::{Source, source_files, source_hash};
use super::reader::{Packed, is_packed};
use super::source_file::SourceFile;
use super::writer;
use crate::atomic_file::{create_folder, folder_of, replace};
use crate::error::IoContext;
use crate::progress::Progress;
use crate::suite::Suite;
use crate::systems::System;
use crate::well::stats_file;
use crate::{Error, Result, generate};

/// Where `data` keeps the packed file of a suite's system.
pub fn packed_file(suite: &Suite, system: &str, data: &Path) -> PathBuf {
    data.join(system).join(format!("{}-v{}.packed", suite.name, suite.version))
}

/// Packs the data of `system` in `data`, generated or published, into the file `out`, and opens it.
///
/// Frames are cropped and resized as the suite says, bilinearly and without smoothing (PyTorch's `interpolate` with
/// `align_corners=False`), and normalised with the training split's statistics in `stats.yaml`, unless the suite sets
/// `normalise = false`. Nothing is done if `out` was packed from the same data for the same suite before (generated
/// data is identified by its key, other data by the names and checksums of its files); a packed file of other data, of
/// another format, or a damaged one is replaced. Generated files are compared with their checksums first. Files without the
/// record of their generation are taken as published ones are: by what they say. Progress counts trajectories.
///
/// # Errors
/// [`Error::Suite`] if the suite's section does not fit the system; [`Error::Folder`] if the data was not generated, or
/// with other settings, or `out` is some other file; [`Error::Format`] if a file of the data does not fit the suite;
/// [`Error::Damaged`] if a generated file is not as it was written;
/// [`Error::Stopped`] if `progress` asked for it; [`Error::Io`] and [`Error::Hdf5`] if files cannot be read or written.
pub fn pack(suite: &Suite, system: &dyn System, data: &Path, out: &Path, progress: &dyn Progress) -> Result<Packed> {
    let section = suite.section(system)?;
    let key = generate::data_key(suite, system, data)?;
    let files = source_files(suite, section, data, key.is_some())?;
    let source = source_hash(suite, system, section, data, key.as_deref(), &files, out)?;
    if out.exists() {
        match Packed::open(out) {
            Ok(packed) if packed.header().source == source && !is_known_damaged(out) => return Ok(packed),
            Ok(_) => {}
            Err(_) if is_packed(out)? => {}
            Err(e) => {
                return Err(Error::folder(
                    out,
                    format!(
                        "it is not replaced, because it is not a packed file ({e}); remove it, or choose another name"
                    ),
                ));
            }
        }
    }
    if key.is_some() {
        verify_generated(&data.join(system.name()), &files, &stats_file(data, system.name()))?;
    }
    let files = files
        .into_iter()
        .map(|Source { split, path, planned }| {
            Ok((split, SourceFile::open(&path, planned.as_deref(), system, section)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let view = CropResize::of(section);
    let header = writer::header(suite, system, section, &view, data, source, &files)?;
    create_folder(folder_of(out))?;
    replace(out, |file| writer::write(file, out, header, &view, &files, progress))?;
    // One that stays costs another packing.
    let _ = fs::remove_file(damage_mark(out));
    Packed::open(out)
}

/// Compares generated files and their statistics with their checksums.
fn verify_generated(folder: &Path, files: &[Source], statistics: &Path) -> Result<()> {
    let Some(checksums) = generate::Checksums::read(folder) else { return Ok(()) };
    checksums.verify(folder, statistics)?;
    files.iter().try_for_each(|file| checksums.verify(folder, &file.path))
}

/// Marks a packed file as damaged, so that [`pack`] makes it again. Processes that read it are not disturbed.
///
/// # Errors
/// [`Error::Io`] if the mark cannot be written beside it.
pub fn mark_damaged(packed: &Path) -> Result<()> {
    let mark = damage_mark(packed);
    fs::write(&mark, []).at("write", &mark)
}

pub(super) fn is_known_damaged(packed: &Path) -> bool {
    damage_mark(packed).exists()
}

/// `NAME.packed.damaged`.
fn damage_mark(packed: &Path) -> PathBuf {
    let mut name = packed.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    packed.with_file_name(name)
}
