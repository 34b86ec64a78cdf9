//! Typed events that report progress.

use std::{
    io,
    path::{Path, PathBuf},
};

use physrep_records::Cell;
use serde::{Deserialize, Serialize};

use crate::messages;

/// The phases of a cell, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Opening the data and the plugin.
    Start,
    /// Pretraining.
    Pretrain,
    /// Encoding all splits.
    Encode,
    /// Fitting and scoring the probes.
    Probe,
    /// Training encoder and head end to end.
    EndToEnd,
}

impl Phase {
    /// The name of the phase in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pretrain => "pretrain",
            Self::Encode => "encode",
            Self::Probe => "probe",
            Self::EndToEnd => "end to end",
        }
    }
}

/// The progress of a phase of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseProgress {
    /// The phase.
    pub phase: Phase,
    /// Units done.
    pub done: u64,
    /// Units of the phase.
    pub total: u64,
    /// The latest loss.
    pub loss: Option<f64>,
    /// Throughput since this process started the phase.
    pub clips_per_second: Option<f64>,
}

impl PhaseProgress {
    /// The loss and the throughput as text; empty if neither is known.
    pub fn figures(&self) -> String {
        let loss = self.loss.map(|loss| format!("loss {loss:.4}"));
        let rate = self.clips_per_second.map(|rate| format!("{rate:.1} clips/s"));
        [loss, rate].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A message of the process of a cell to its supervisor: one JSON object per line on standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum CellEvent {
    /// Progress. A supervisor that receives none within the stall timeout kills the process.
    Progress(PhaseProgress),
    /// The record is written.
    Done,
    /// It was asked to stop, and has written a checkpoint.
    Stopped,
    /// The cell failed.
    Failed {
        /// Why, in a sentence.
        reason: String,
        /// Whether the process of its method died: another attempt may end otherwise.
        #[serde(default)]
        died: bool,
    },
}

impl CellEvent {
    /// Writes the event as a line to standard output.
    ///
    /// # Errors
    ///
    /// If standard output is closed: the process should end.
    pub fn send(&self) -> io::Result<()> {
        messages::send(self)
    }

    /// Parses a line of the process of a cell; none if the line is something else, such as output of a plugin.
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// What happens while cells run.
#[derive(Clone, Debug)]
pub enum RunEvent<'a> {
    /// A cell has a record from an earlier run.
    Kept(&'a Cell),
    /// The record of a cell was damaged; the cell runs again.
    SetAside {
        /// The cell.
        cell: &'a Cell,
        /// The name that the damaged file has now.
        aside: &'a Path,
    },
    /// The number of finished cells.
    Cells {
        /// Cells with a record.
        done: u64,
        /// All cells.
        total: u64,
    },
    /// The progress of a running cell.
    Progress(&'a Cell, PhaseProgress),
    /// A cell is done, after this time.
    Done(&'a Cell, std::time::Duration),
    /// A cell failed.
    Failed {
        /// The cell.
        cell: &'a Cell,
        /// Why, in a sentence.
        reason: &'a str,
        /// The log of the process that failed.
        log: PathBuf,
    },
    /// A GPU does not work any more; the cells that are left go to the others.
    GpuBroken {
        /// Its name for `CUDA_VISIBLE_DEVICES`.
        gpu: &'a str,
        /// What it does instead.
        reason: &'a str,
    },
    /// A cell was stopped; it resumes from its last checkpoint.
    Stopped(&'a Cell),
    /// No cell is running any more.
    End,
}

/// A step of preparing a system's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataStep {
    /// Solving the equations.
    Generate,
    /// Inspecting files that this program did not generate, in MiB.
    Inspect,
    /// Packing for training.
    Pack,
}

/// The progress of preparing data.
#[derive(Clone, Copy, Debug)]
pub struct DataProgress<'a> {
    /// The system, or the name of the file or data set that is read.
    pub task: &'a str,
    /// The step.
    pub step: DataStep,
    /// Units done.
    pub done: u64,
    /// Units of the step.
    pub total: u64,
    /// A detail, such as the current file; may be empty.
    pub note: &'a str,
}
