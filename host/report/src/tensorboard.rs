//! The curves of a run as event files for TensorBoard.
//!
//! An event file is a sequence of TFRecords, each with a protocol buffer `Event`. Of TensorFlow's `event.proto` and `summary.proto` only the
//! fields that scalars need are declared here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use physrep_records::{Curves, RunManifest, files};
use prost::{Message, Oneof};

use crate::error::{Error, Result};

/// The name of every event file. TensorBoard recognises it by `tfevents`; a fixed name makes a second export replace the first.
const FILE: &str = "events.out.tfevents.0.physrep-bench";

/// Writes the curves of every pretraining of a run as an event file, in a folder of its own under `out`. Returns how many files were
/// written; `tensorboard --logdir OUT` shows them.
///
/// # Errors
///
/// [`Error::Usage`] if the run has no curves; [`Error::Records`] if there is no run, or if a file cannot be read or written.
pub fn write_tensorboard(run: &Path, out: &Path) -> Result<usize> {
    let curves = curves(run)?;
    for (name, path) in &curves {
        files::write(&out.join(name).join(FILE), &events(&Curves::read(path)?, modified(path)))?;
    }
    Ok(curves.len())
}

/// The name and the path of the curves of each pretraining of the run, such as `shear_flow/jepa/seed0-1f2e...`; cells of a joint
/// pretraining share one.
fn curves(run: &Path) -> Result<BTreeSet<(PathBuf, PathBuf)>> {
    let manifest = RunManifest::read(run)?;
    let found: BTreeSet<_> = manifest
        .cells
        .iter()
        .filter_map(|listed| listed.cell(run))
        .map(|cell| cell.pretraining(run))
        .filter(|pretraining| pretraining.curves().is_file())
        .map(|pretraining| {
            let name = pretraining.path().strip_prefix(run).unwrap_or(pretraining.path());
            (name.strip_prefix("cells").unwrap_or(name).to_owned(), pretraining.curves())
        })
        .collect();
    if found.is_empty() {
        return Err(Error::Usage(format!(
            "{}: expected a run with curves.jsonl in the folders of its pretrained cells, as `physrep-bench all` writes them; found none",
            run.display()
        )));
    }
    Ok(found)
}

/// When a file was last modified, in seconds since 1970. Curves hold no times, which differ from run to run, so all events get this one.
fn modified(path: &Path) -> f64 {
    let time = fs::metadata(path).and_then(|file| file.modified()).unwrap_or_else(|_| SystemTime::now());
    time.duration_since(UNIX_EPOCH).map(|since| since.as_secs_f64()).unwrap_or_default()
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    // A member of a oneof in the schema, which is written even if it is zero.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The event file of curves.
fn events(curves: &Curves, wall_time: f64) -> Vec<u8> {
    let version = Event { wall_time, step: 0, what: Some(What::FileVersion("brain.Event:2".into())) };
    let mut bytes = record(&version.encode_to_vec());
    let mut points = curves.points().into_iter().peekable();
    while let Some((_, step, _)) = points.peek().cloned() {
        let mut value = Vec::new();
        while let Some((tag, _, point)) = points.next_if(|(_, of, _)| *of == step) {
            value.push(Scalar { tag, simple_value: Some(point as f32) });
        }
        let event = Event { wall_time, step: step as i64, what: Some(What::Summary(Summary { value })) };
        bytes.extend(record(&event.encode_to_vec()));
    }
    bytes
}

/// A TFRecord: the length, its checksum, the data, its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

/// The masked CRC-32C of a TFRecord: rotated and shifted, so that the checksum of data that contains checksums is still useful.
fn masked(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_tensorflow_writes_it() {
        // The first record that tensorboard 2.21's EventFileWriter wrote at wall time 1.5.
        let event = Event { wall_time: 1.5, step: 0, what: Some(What::FileVersion("brain.Event:2".into())) };
        let expected = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c";
        let found: String = record(&event.encode_to_vec()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_step_is_an_event_with_all_its_values_zero_too() {
        let curves = Curves::default();
        curves.record("loss", 0, 0.0);
        curves.record("learning_rate", 0, 0.25);
        curves.record("loss", 7, -1.5);
        let bytes = events(&curves, 2.0);
        let mut rest = &bytes[..];
        let mut read = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().expect("eight bytes")) as usize;
            read.push(Event::decode(&rest[12..12 + length]).expect("an event"));
            rest = &rest[16 + length..];
        }
        let scalar = |tag: &str, value: f32| Scalar { tag: tag.into(), simple_value: Some(value) };
        let summary = |value: Vec<Scalar>| Some(What::Summary(Summary { value }));
        assert_eq!(read.len(), 3);
        assert_eq!(read[1].what, summary(vec![scalar("learning_rate", 0.25), scalar("loss", 0.0)]));
        assert_eq!((read[2].step, &read[2].what), (7, &summary(vec![scalar("loss", -1.5)])));
    }
}
