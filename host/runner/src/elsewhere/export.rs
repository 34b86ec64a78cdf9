//! Writes the clips of a system for whoever embeds them elsewhere: without labels, in the order in which methods get them.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use physrep_benchmarks::{
    Split,
    packed::{NoiseStream, Packed, load_clip},
    suite::Suite,
};
use physrep_records::{DataSource, SuiteFacts, files};
use rayon::prelude::*;
use serde::Serialize;

use super::{identifiers::identifiers, npy};
use crate::{
    environment::VERSION,
    error::{Error, Result},
    interrupt,
    plugin::Geometry,
    stages::order::EncodingOrder,
};

/// The version of what is exported.
const FORMAT: u32 = 1;

/// Clips that are in memory at once.
const BATCH: usize = 32;

/// The exported clips of a system.
#[derive(Clone, Debug)]
pub struct ExportedWindows {
    /// Their folder.
    pub folder: PathBuf,
    /// `(N, C, T, H, W)`.
    pub shape: [usize; 5],
}

/// `windows.json`: what the arrays beside it are. It is written last, so that it marks them as complete.
#[derive(Serialize)]
struct Manifest<'a> {
    format: u32,
    physrep_bench: &'a str,
    suite: SuiteFacts,
    system: &'a str,
    /// BLAKE3 of the packed data.
    data_checksum: &'a str,
    clips: Array<'a>,
    identifiers: Array<'a>,
    /// Whether channels have mean 0 and standard deviation 1 over train.
    normalised: bool,
    /// Standard deviation of the noise that the clips have.
    noise: f64,
    geometry: Geometry,
}

#[derive(Serialize)]
struct Array<'a> {
    file: &'a str,
    dtype: &'a str,
    axes: &'a [&'a str],
    shape: &'a [usize],
}

/// Writes the clips of all splits of a system, as `encode` gets them, into a folder of `out` that is called as the system: `clips.npy`,
/// `(N, C, T, H, W)`; `identifiers.npy`, `(N,)`; and `windows.json`. `report` gets the number of clips done and their total.
///
/// # Errors
///
/// If the data cannot be read, or a file cannot be written; [`Error::Interrupted`] if this process is to stop.
pub fn export_windows(
    suite: &Suite,
    source: &DataSource,
    out: &Path,
    report: &dyn Fn(u64, u64),
) -> Result<ExportedWindows> {
    let data = Packed::open(&source.path)?;
    let folder = out.join(&source.system);
    let [clips, numbers, manifest] = ["clips.npy", "identifiers.npy", "windows.json"].map(|name| folder.join(name));
    match fs::remove_file(&manifest) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io(&manifest)(error)),
        _ => {}
    }
    let windows = EncodingOrder::of(suite, &data, &Split::ALL).windows();
    let (frames, facts) = (suite.window.context, SuiteFacts::of(suite, &source.system));
    let geometry = Geometry::of(data.header());
    let shape = geometry.shape(windows.len(), frames);

    let identifiers = identifiers(&facts, &data, &windows);
    let bytes: Vec<u8> = identifiers.iter().flat_map(|number| number.to_le_bytes()).collect();
    files::write(&numbers, &[npy::header("<i8", &shape[..1]), bytes].concat())?;
    files::write_with(&clips, |file| {
        let io = || Error::io(&clips);
        file.write_all(&npy::header("<f4", &shape)).map_err(io())?;
        let length = data.clip_len(frames);
        let mut done = 0;
        for windows in windows.chunks(BATCH) {
            interrupt::check()?;
            let mut values = vec![0.0f32; windows.len() * length];
            let load =
                |(clip, &window): (&mut [f32], _)| load_clip(&data, suite, window, frames, NoiseStream::Encoding, clip);
            values.par_chunks_exact_mut(length).zip(windows).try_for_each(load)?;
            values.iter_mut().for_each(|value| *value = f32::from_bits(value.to_bits().to_le()));
            file.write_all(bytemuck::cast_slice(&values)).map_err(io())?;
            done += windows.len() as u64;
            report(done, shape[0] as u64);
        }
        Ok::<(), Error>(())
    })?;
    let content = Manifest {
        format: FORMAT,
        physrep_bench: VERSION,
        suite: facts,
        system: &source.system,
        data_checksum: &source.checksum,
        clips: Array {
            file: "clips.npy",
            dtype: "float32",
            axes: &["window", "channel", "time", "x", "y"],
            shape: &shape,
        },
        identifiers: Array { file: "identifiers.npy", dtype: "int64", axes: &["window"], shape: &shape[..1] },
        normalised: suite.normalise,
        noise: suite.noise_on(&source.system),
        geometry,
    };
    files::write_json(&manifest, &content)?;
    Ok(ExportedWindows { folder, shape })
}
