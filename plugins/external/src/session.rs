//! A session: a program that has built its networks, and the number of steps that it has trained.

use std::path::Path;

use physrep_abi::{
    BatchView, CreateArgs, DType, Device, ErrorCode, FineTuneArgs, LoadScope, Parameter, StepReport, TensorView,
};

use crate::{
    answer::{Done, Hello, Level, Log, Parameters, State, Tokens, Trained},
    array::{Array, Dtype, NamedArray},
    config::Config,
    exchange::{Exchange, refused},
    failure::{Failure, Result},
    program::Program,
    request::{PROTOCOL, Request, Scope},
    setup::Setup,
    state,
};

/// The longest embedding of a clip, in bytes, as the host has it.
const LONGEST_EMBEDDING: u64 = 16 << 20;

/// The longest array of a state, in bytes.
const LONGEST_ARRAY: u64 = 64 << 30;

/// One method on one set of systems.
#[derive(Debug)]
pub(crate) struct Session {
    exchange: Exchange,
    steps: u64,
}

/// Embeddings `(B, tokens, dim)`, row-major.
#[derive(Debug)]
pub(crate) struct Embeddings {
    pub values: Vec<f32>,
    pub shape: [u64; 3],
}

impl Session {
    /// Starts the program, agrees on the protocol, and has it build its networks.
    pub(crate) fn create(args: &CreateArgs<'_>) -> Result<Self> {
        let config = Config::parse(args.config.as_str())?;
        let settings = config.settings()?;
        let setup = Setup::from(args);
        let program = Program::start(&config, Path::new(&setup.scratch_dir), args.device != Device::CPU)
            .map_err(Failure::method)?;
        let hello = Request::Hello {
            protocol: PROTOCOL,
            arrays_of_host: program.arrays_of_host.descriptor(),
            arrays_of_method: program.arrays_of_method.descriptor(),
        };
        let mut exchange = Exchange::new(program, args.host);
        let Hello { protocol, software } = exchange.ask(hello)?;
        if protocol != PROTOCOL {
            return Err(Failure::method(format!(
                "its program speaks version {protocol} of the protocol, this physrep-bench version {PROTOCOL}; use the package \
                 physrep of this physrep-bench"
            )));
        }
        let software: Vec<_> = software.iter().map(|(name, version)| format!("{name} {version}")).collect();
        exchange.log(&Log { level: Level::Info, message: format!("its program has {}", software.join(", ")) });
        let _: Done = exchange.ask(Request::Create { config: &settings, setup: &setup })?;
        Ok(Self { exchange, steps: 0 })
    }

    /// Trains on one batch.
    pub(crate) fn pretrain_step(&mut self, batch: &BatchView<'_>) -> Result<StepReport> {
        let clips = self.write(&batch.clips)?;
        let request = Request::PretrainStep { step: self.steps, system: batch.system, clips };
        let Trained { loss, learning_rate } = self.exchange.ask(request)?;
        self.steps += 1;
        Ok(StepReport { loss, learning_rate: learning_rate.unwrap_or(f64::NAN) })
    }

    /// Encodes clips.
    pub(crate) fn encode(&mut self, batch: &BatchView<'_>) -> Result<Embeddings> {
        let clips = self.write(&batch.clips)?;
        self.ask_for_tokens(batch, Request::Encode { system: batch.system, clips })
    }

    /// The complete state.
    pub(crate) fn save(&mut self) -> Result<Vec<u8>> {
        let State { arrays } = self.exchange.ask(Request::Save)?;
        state::to_file(&self.read_all("save", arrays)?, self.steps)
    }

    /// Loads a state, or the encoder's weights.
    pub(crate) fn load(&mut self, file: &[u8], scope: LoadScope) -> Result<()> {
        let parsed = state::parse(file)?;
        let (arrays, steps) = state::from_file(&parsed, scope)?;
        let arrays = self.exchange.program.arrays_of_host.write_all(arrays);
        let arrays = arrays.map_err(|error| Failure::method(format!("no memory for a state: {error}")))?;
        let scope = match scope {
            LoadScope::Full => Scope::Full,
            LoadScope::Encoder => Scope::Encoder,
        };
        let _: Done = self.exchange.ask(Request::Load { scope, arrays })?;
        if let Scope::Full = scope {
            self.steps = steps;
        }
        Ok(())
    }

    /// The parameters, sorted by name.
    pub(crate) fn parameters(&mut self) -> Result<Vec<Parameter>> {
        let Parameters { arrays, encoder } = self.exchange.ask(Request::Parameters)?;
        if let Some(unknown) = encoder.iter().find(|name| arrays.iter().all(|array| array.name != **name)) {
            let why = format!("`{unknown}` is the encoder's, but not among the parameters");
            return Err(Failure::method(refused("parameters", &why)));
        }
        let parameter = |(NamedArray { name, array }, values): (NamedArray, Vec<u8>)| Parameter {
            encoder: encoder.contains(&name),
            name: name.into(),
            shape: array.shape.into(),
            checksum: *blake3::hash(&values).as_bytes(),
        };
        let mut parameters: Vec<_> = self.read_all("parameters", arrays)?.into_iter().map(parameter).collect();
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(parameters)
    }

    /// Begins end-to-end training.
    pub(crate) fn begin_finetuning(&mut self, args: &FineTuneArgs) -> Result<()> {
        let FineTuneArgs { beta1, beta2, eps, weight_decay } = *args;
        let Done {} = self.exchange.ask(Request::BeginFinetuning { beta1, beta2, eps, weight_decay })?;
        Ok(())
    }

    /// Encodes clips, and keeps what [`encode_backward`](Self::encode_backward) needs.
    pub(crate) fn encode_forward(&mut self, batch: &BatchView<'_>) -> Result<Embeddings> {
        let clips = self.write(&batch.clips)?;
        self.ask_for_tokens(batch, Request::EncodeForward { system: batch.system, clips })
    }

    /// Computes the encoder's gradients.
    pub(crate) fn encode_backward(&mut self, gradient: &TensorView<'_>) -> Result<()> {
        let gradient = self.write(gradient)?;
        let Done {} = self.exchange.ask(Request::EncodeBackward { gradient })?;
        Ok(())
    }

    /// Updates the encoder.
    pub(crate) fn apply_gradients(&mut self, learning_rate: f64) -> Result<()> {
        let Done {} = self.exchange.ask(Request::ApplyGradients { learning_rate })?;
        Ok(())
    }

    fn ask_for_tokens(&mut self, batch: &BatchView<'_>, request: Request<'_>) -> Result<Embeddings> {
        let call = request.name();
        let Tokens { tokens } = self.exchange.ask(request)?;
        let clips = batch.clips.shape.first().map_or(0, |&clips| clips as u64);
        let shape = match tokens.shape[..] {
            [b, n, d] if tokens.dtype == Dtype::Float32 && b == clips && n > 0 && d > 0 => [b, n, d],
            _ => {
                let Array { dtype, shape, .. } = &tokens;
                let why = format!(
                    "{dtype:?} of shape {shape:?}; expected Float32 of shape ({clips}, tokens, dim), with 1 for a single token"
                );
                return Err(Failure::method(refused(call, &why)));
            }
        };
        let bytes = self.exchange.read(call, &tokens, clips * LONGEST_EMBEDDING)?;
        let (words, _) = bytes.as_chunks::<4>();
        let values: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        match values.iter().filter(|value| !value.is_finite()).count() {
            0 => Ok(Embeddings { values, shape }),
            n => Err(Failure::new(
                ErrorCode::DIVERGED,
                format!("{call} gave {n} values that are NaN or infinite, of {}", values.len()),
            )),
        }
    }

    /// Writes a borrowed tensor where the program reads it.
    fn write(&mut self, tensor: &TensorView<'_>) -> Result<Array> {
        let shape: Vec<u64> = tensor.shape.iter().map(|&length| length as u64).collect();
        let mut next = 1;
        let contiguous = tensor.shape.iter().zip(tensor.strides.iter()).rev().all(|(&length, &stride)| {
            let fits = length == 1 || stride == next;
            next *= length;
            fits
        });
        if tensor.device != Device::CPU || tensor.dtype != DType::F32 || !contiguous {
            let why = format!(
                "a tensor of {:?} on {:?}; expected contiguous f32 in host memory",
                tensor.dtype, tensor.device
            );
            return Err(Failure::new(ErrorCode::UNSUPPORTED, why));
        }
        let len = shape.iter().product::<u64>() as usize * size_of::<f32>();
        // SAFETY: by the rules of the ABI the view is of this many contiguous values in host memory, and borrowed for this call.
        let values = unsafe { std::slice::from_raw_parts(tensor.data.add(tensor.byte_offset as usize), len) };
        let written = self.exchange.program.arrays_of_host.write(Dtype::Float32, &shape, values);
        written.map_err(|error| Failure::method(format!("no memory for a batch: {error}")))
    }

    /// The values of arrays of the program.
    fn read_all(&self, call: &str, arrays: Vec<NamedArray>) -> Result<Vec<(NamedArray, Vec<u8>)>> {
        state::check_names(call, &arrays)?;
        let read = |named: NamedArray| {
            let values = self.exchange.read(call, &named.array, LONGEST_ARRAY)?;
            Ok((named, values))
        };
        arrays.into_iter().map(read).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.exchange.tell_to_end();
    }
}
