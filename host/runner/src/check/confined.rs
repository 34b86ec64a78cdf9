//! A method whose sessions are in confined processes.

use std::fs;

use physrep_abi::LoadScope;
use physrep_conformance::{Clips, Failure, Parameter, Session, Spec, Subject, SystemShape, Tokens};
use physrep_records::Device;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    device::{BatchBuffer, Part},
    error::Error,
    method_process::MethodProcess,
    plugin::{EncodedTokens, Geometry, MethodCode, SessionSpec},
};

/// The learning rate of a step of end-to-end training.
const LEARNING_RATE: f64 = 1e-3;

/// A method.
pub(super) struct ConfinedMethod {
    code: MethodCode,
    description: Value,
}

impl ConfinedMethod {
    pub(super) fn new(code: MethodCode, description: Value) -> Self {
        Self { code, description }
    }
}

impl Subject for ConfinedMethod {
    fn description(&self) -> &Value {
        &self.description
    }

    fn open(&self, spec: &Spec) -> Result<Box<dyn Session + '_>, Failure> {
        let scratch = tempfile::tempdir().map_err(|e| Failure::new(format!("no temporary folder: {e}")))?;
        let session = SessionSpec {
            config: spec.config.clone(),
            systems: spec
                .systems
                .iter()
                .map(|&SystemShape { channels, size }| Geometry::anonymous(channels, size))
                .collect(),
            context_frames: spec.context_frames,
            future_frames: spec.future_frames,
            batch: spec.batch,
            steps: spec.steps,
            seed: spec.seed,
            device: Device::Cpu,
            scratch: scratch.path().canonicalize().map_err(|e| Failure::new(e.to_string()))?,
        };
        let name = self.description["name"].as_str().unwrap_or_default();
        let process = MethodProcess::start_with_threads(name, &self.code, session, &[], Some(spec.threads))?;
        Ok(Box::new(ConfinedSession { process, clips: None, _scratch: scratch }))
    }

    fn has_processes(&self) -> bool {
        true
    }
}

/// A session in a process.
struct ConfinedSession {
    process: MethodProcess,
    /// Shared memory for clips, as much as was needed so far.
    clips: Option<(BatchBuffer, usize)>,
    _scratch: TempDir,
}

impl ConfinedSession {
    /// Writes clips where the process reads them.
    fn send(&mut self, clips: &Clips) -> Result<Part, Failure> {
        let len = clips.values.len();
        if self.clips.as_ref().is_none_or(|(_, size)| *size < len) {
            self.clips = Some((self.process.staging().zeros(len).0, len));
        }
        let none = || Failure::new("there is no shared memory for clips");
        let (buffer, _) = self.clips.as_mut().ok_or_else(none)?;
        buffer.values_mut().map_err(Failure::new)?[..len].copy_from_slice(&clips.values);
        buffer.part().ok_or_else(none)
    }
}

impl Session for ConfinedSession {
    fn pretrain_step(&mut self, clips: &Clips, system: usize) -> Result<f64, Failure> {
        let part = self.send(clips)?;
        Ok(self.process.pretrain_step(part, clips.shape, system)?.0.loss)
    }

    fn encode(&mut self, clips: &Clips, system: usize) -> Result<Tokens, Failure> {
        let part = self.send(clips)?;
        let EncodedTokens { values, shape } = self.process.encode(part, clips.shape, system)?;
        Ok(Tokens { values, shape })
    }

    fn finetune_step(&mut self, clips: &Clips, system: usize) -> Result<(), Failure> {
        let part = self.send(clips)?;
        self.process.begin_finetuning(0.0)?;
        let tokens = self.process.encode_with_gradient(part, clips.shape, system)?;
        Ok(self.process.finetune_step(&vec![1.0; tokens.values.len()], tokens.shape, LEARNING_RATE)?)
    }

    fn save(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(self.process.save()?)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), Failure> {
        Ok(self.process.load(state, LoadScope::Full)?)
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>, Failure> {
        let parameters = self.process.parameters()?.into_iter();
        Ok(parameters
            .map(|parameter| Parameter {
                name: parameter.name,
                encoder: parameter.encoder,
                checksum: parameter.checksum,
            })
            .collect())
    }

    fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { message, .. } => Self { message, refused: true },
            Error::Method { message, .. } => Self::new(message),
            other => Self::new(other.to_string()),
        }
    }
}
