//! What a worker tells its supervisor: one JSON object a line on the worker's standard output.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

/// The parts of a cell's work, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Opening the data and the plugin.
    Start,
    /// Pretraining.
    Pretrain,
    /// Embedding all splits.
    Encode,
    /// Fitting and scoring the probes.
    Probe,
    /// Training encoder and head end to end.
    FineTune,
}

impl Phase {
    /// The phase as a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pretrain => "pretrain",
            Self::Encode => "encode",
            Self::Probe => "probe",
            Self::FineTune => "end to end",
        }
    }
}

/// One thing a worker tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// Work goes on. A supervisor that hears nothing for long takes the worker to hang.
    Progress {
        /// The phase.
        phase: Phase,
        /// Units done.
        done: u64,
        /// Units of the phase.
        total: u64,
        /// The phase's latest figure, such as the loss; may be empty.
        note: String,
    },
    /// The cell is done and its result is written.
    Done,
    /// The cell failed.
    Failed {
        /// Why, in a sentence.
        reason: String,
    },
}

impl Event {
    /// Writes the event as a line to standard output.
    ///
    /// # Errors
    ///
    /// When nobody listens any more: the worker should end.
    pub fn send(&self) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()
    }

    /// The events that a worker writes; other lines, such as a plugin's own prints, are skipped.
    pub fn read(from: impl BufRead) -> impl Iterator<Item = Self> {
        from.split(b'\n').map_while(Result::ok).filter_map(|line| serde_json::from_slice(&line).ok())
    }
}
