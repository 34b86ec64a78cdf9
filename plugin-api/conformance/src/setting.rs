//! What a method is checked at: the usual session, and the shapes of the suites.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    clips::Clips,
    subject::{Failure, Session, Spec, Subject, SystemShape},
};

/// What a method is checked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// The session of most checks, which should be small: they train and encode many times.
    pub spec: Spec,
    /// The systems of the suites.
    pub suites: Vec<SuiteShape>,
    /// The names of other rows.
    pub taken_names: Vec<String>,
}

/// A system of a suite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SuiteShape {
    /// The suite's name.
    pub suite: String,
    /// The system's name.
    pub system: String,
    /// Its channels and its grid.
    pub shape: SystemShape,
    /// Frames of a clip to encode.
    pub context_frames: usize,
    /// Frames that follow the context in a pretraining clip.
    pub future_frames: usize,
    /// Clips in a pretraining batch.
    pub batch: usize,
    /// The number of pretraining batches.
    pub steps: u64,
    /// Windows that are encoded.
    pub windows: usize,
    /// The configuration that the suite gives the method.
    pub config: Value,
}

impl Default for Setting {
    /// Small clips of one system, the default configuration, no suites.
    fn default() -> Self {
        Self {
            spec: Spec {
                config: serde_json::json!({}),
                systems: vec![SystemShape { channels: 4, size: [32, 32] }],
                context_frames: 16,
                future_frames: 16,
                batch: 4,
                steps: 50,
                seed: 1,
                threads: 1,
            },
            suites: Vec::new(),
            taken_names: ["features", "mean"].map(String::from).to_vec(),
        }
    }
}

impl Setting {
    /// The usual session.
    pub(crate) fn open<'a>(&self, subject: &'a dyn Subject) -> Result<Box<dyn Session + 'a>, Failure> {
        subject.open(&self.spec)
    }

    /// A pretraining batch of the only system.
    pub(crate) fn batch(&self, seed: u64) -> Clips {
        Clips::waves(self.spec.pretraining_shape(0), seed)
    }

    /// Clips to encode of the only system.
    pub(crate) fn clips(&self, clips: usize, seed: u64) -> Clips {
        Clips::waves(self.spec.encoding_shape(0, clips), seed)
    }

    /// Trains on the batches of these steps, one after the other; gives the losses.
    pub(crate) fn train(&self, session: &mut dyn Session, steps: std::ops::Range<u64>) -> Result<Vec<f64>, Failure> {
        steps.map(|step| session.pretrain_step(&self.batch(100 + step), 0)).collect()
    }
}
