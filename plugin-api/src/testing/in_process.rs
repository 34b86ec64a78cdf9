//! A method whose sessions are in the process of a test.

use std::marker::PhantomData;

use abi_stable::std_types::RStr;
use candle_core::Device;
use physrep_abi::{HostCallbacks, LoadScope, LogLevel};
use physrep_conformance::{Clips, Failure, Parameter, Session as Checked, Spec, Subject, Tokens};
use physrep_nn::AdamWConfig;
use serde_json::Value;

use super::synthetic::{geometry, tensor};
use crate::{Error, Method, Setup, export, session::Session};

/// The learning rate of a step of end-to-end training.
const LEARNING_RATE: f64 = 1e-3;

/// A method.
pub(super) struct InProcess<M> {
    description: Value,
    method: PhantomData<M>,
}

impl<M: Method> InProcess<M> {
    pub(super) fn new() -> Self {
        Self { description: export::description::<M>(None, None), method: PhantomData }
    }
}

impl<M: Method> Subject for InProcess<M> {
    fn description(&self) -> &Value {
        &self.description
    }

    fn open(&self, spec: &Spec) -> Result<Box<dyn Checked + '_>, Failure> {
        let setup = Setup {
            systems: spec.systems.iter().map(|&shape| geometry(shape)).collect(),
            context_frames: spec.context_frames,
            future_frames: spec.future_frames,
            batch_size: spec.batch,
            pretrain_steps: spec.steps,
            device: Device::Cpu,
            seed: spec.seed,
            scratch_dir: std::env::temp_dir(),
        };
        Ok(Box::new(Session::<M>::new(&spec.config.to_string(), setup, host())?))
    }

    fn has_processes(&self) -> bool {
        false
    }
}

impl<M: Method> Checked for Session<M> {
    fn pretrain_step(&mut self, clips: &Clips, system: usize) -> Result<f64, Failure> {
        Ok(Session::pretrain_step(self, &tensor(clips, system))?.loss)
    }

    fn encode(&mut self, clips: &Clips, system: usize) -> Result<Tokens, Failure> {
        let tokens = Session::encode(self, &tensor(clips, system))?;
        let shape: [usize; 3] = tokens.dims3().map_err(Error::from)?.into();
        Ok(Tokens { values: tokens.flatten_all().and_then(|t| t.to_vec1()).map_err(Error::from)?, shape })
    }

    fn finetune_step(&mut self, clips: &Clips, system: usize) -> Result<(), Failure> {
        self.begin_finetuning(AdamWConfig::default())?;
        let tokens = self.encode_forward(&tensor(clips, system))?;
        self.encode_backward(&tokens.ones_like().map_err(Error::from)?)?;
        Ok(self.apply_gradients(LEARNING_RATE)?)
    }

    fn save(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(Session::save(self)?)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), Failure> {
        Ok(Session::load(self, state, LoadScope::Full)?)
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>, Failure> {
        let parameters = Session::parameters(self)?.into_iter().map(|parameter| Parameter {
            name: parameter.name.into(),
            encoder: parameter.encoder,
            checksum: parameter.checksum.to_vec(),
        });
        Ok(parameters.collect())
    }

    fn memory(&self) -> Option<u64> {
        None
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { refused: matches!(error, Error::Config(_) | Error::Unsupported(_)), message: error.to_string() }
    }
}

/// Callbacks that do nothing.
pub(super) fn host() -> HostCallbacks {
    extern "C" fn log(_: *const (), _: LogLevel, _: RStr<'_>) {}
    extern "C" fn metric(_: *const (), _: RStr<'_>, _: u64, _: f64) {}
    extern "C" fn cancelled(_: *const ()) -> bool {
        false
    }
    HostCallbacks { context: std::ptr::null(), log, metric, cancelled }
}
