#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod cell;
mod cost;
mod curves;
mod device;
mod environment;
mod error;
pub mod files;
mod folder;
mod identity;
mod lock;
mod manifest;
mod owner;
mod record;
mod run;
mod samples;
mod score;
pub mod sealed;
mod trial;
mod tuning;
mod validity;

pub use cell::{Cell, DataSource, EncoderSpec, ProbeLibraryFile};
pub use cost::{Cost, PhaseCost};
pub use curves::Curves;
pub use device::Device;
pub use environment::Environment;
pub use error::{Error, Result};
pub use folder::{CellFolder, CellOutcome, PretrainingFolder};
pub use identity::{Identity, Initialisation, SCHEMA, SuiteFacts};
pub use lock::{Lock, is_locked};
pub use manifest::{ManifestCell, RunManifest};
pub use record::{
    CellFailure, CellRecord, ElsewhereFacts, EncoderFacts, EncodingCheck, Health, LabelSubset, ProgramFacts, Recipe,
    ScoredTrajectories, json_schema,
};
pub use run::{RunCell, RunResults, check_suites};
pub use samples::{Sample, SampleFields};
pub use score::{Metrics, ParameterResult, ProbeScore, Selection, Track};
pub use sealed::Digest;
pub use tuning::{RangesFile, TrialOutcome, TrialRecord, TunedOn, TuningProgram, TuningRecord};
