//! The process of a method, as the process of a cell uses it: a session behind a pipe.

use std::{
    io::{self, BufReader},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, ExitStatus},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use physrep_abi::{LoadScope, StepReport};
use physrep_records::Device;

use super::{
    frames,
    metric::Metric,
    requests::{Answer, Batch, ParameterFacts, Request, Start},
};
use crate::{
    child,
    device::{Announce, Part, SharedMemory, Staging},
    environment::machine_memory,
    error::{Error, Result, plain},
    plugin::{EncodedTokens, MethodCode, MethodLibrary, SessionSpec},
    process_group,
    sandbox::Access,
};

/// How long a process may take to end once it is to end.
const GRACE: Duration = Duration::from_secs(1);

/// A session of a method in a separate process, which sees clips and nothing else. The process ends when this is dropped.
pub(crate) struct MethodProcess {
    name: String,
    process: Child,
    requests: Requests,
    answers: BufReader<ChildStdout>,
    memory: Arc<SharedMemory>,
    library: MethodLibrary,
    sandbox: Vec<String>,
    prefetch: bool,
    /// Those that arrived before the answer to the last request.
    metrics: Vec<Metric>,
}

/// The pipe of requests; closed when none is left of it.
#[derive(Clone, Debug)]
struct Requests(Arc<Mutex<Option<ChildStdin>>>);

impl Requests {
    fn send(&self, request: &Request, payload: &[u8]) -> io::Result<()> {
        match &mut *self.0.lock().unwrap_or_else(|e| e.into_inner()) {
            Some(pipe) => frames::write(pipe, request, payload),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Announces a batch of `len` values that will be computed on; the error is why it cannot be sent.
    fn prefetch(&self, part: Part, len: usize) -> Result<(), String> {
        self.send(&Request::Prefetch { part, len }, &[]).map_err(|e| format!("its process does not listen: {e}"))
    }

    /// Ends the pipe, unless a thread is writing to it: its reader is killed soon.
    fn close(&self) {
        if let Ok(mut pipe) = self.0.try_lock() {
            *pipe = None;
        }
    }
}

impl MethodProcess {
    /// Starts a process and in it a session of the method `name`, whose code is `code`. It may write to the session's scratch folder, and
    /// reads nothing in the folders `hidden`.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if the library cannot be used, [`Error::Method`] if the method refuses, such as a configuration;
    /// [`Error::MethodDied`].
    pub(crate) fn start(name: &str, code: &MethodCode, spec: SessionSpec, hidden: &[&Path]) -> Result<Self> {
        Self::start_with_threads(name, code, spec, hidden, None)
    }

    /// As [`start`](Self::start), with this many threads rather than those of this process.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    pub(crate) fn start_with_threads(
        name: &str,
        code: &MethodCode,
        mut spec: SessionSpec,
        hidden: &[&Path],
        threads: Option<usize>,
    ) -> Result<Self> {
        let refuse = |reason: String| Error::Plugin { path: code.library.clone(), reason };
        let path = code.library.canonicalize().map_err(|e| refuse(format!("cannot be opened: {e}")))?;
        let code = MethodCode { library: path.clone(), folder: code.folder.clone() };
        spec.config = code.session_config(&spec.config)?;
        let memory = SharedMemory::create().map_err(Error::io("shared memory for clips"))?;
        let access = Access {
            writable: vec![spec.scratch.clone()],
            hidden: hidden.iter().map(|&folder| folder.to_owned()).collect(),
            gpu: spec.device != Device::Cpu,
            ..code.access()?
        };
        let scratch = spec.scratch.clone();
        let checksum = code.checksum()?;
        let folder = code.method_folder()?;
        process_group::adopt_orphans();
        let mut process = child::spawn_method(&scratch, threads).map_err(Error::io("the process of a method"))?;
        process_group::keep_child(process.id(), true);
        let requests = Requests(Arc::new(Mutex::new(process.stdin.take())));
        let answers = BufReader::with_capacity(1 << 16, process.stdout.take().expect("standard output is piped"));
        let unnamed = MethodLibrary::unnamed(code.clone(), checksum);
        let mut started = Self {
            name: name.to_owned(),
            process,
            requests,
            answers,
            memory,
            library: unnamed,
            sandbox: Vec::new(),
            prefetch: false,
            metrics: Vec::new(),
        };
        let clips = started.memory.path().to_owned();
        let start = Start { library: path, clips, access, spec };
        match started.ask(&Request::Start(Box::new(start)), &[])? {
            // Sent before any code of the library has run.
            (Answer::Confined(restrictions), _) => started.sandbox = restrictions,
            (other, _) => return Err(started.unexpected(&other)),
        }
        match started.receive(SMALL)? {
            (Answer::Started { description, prefetch }, _) => {
                let own = folder.map(|folder| folder.description());
                started.library = started.library.described(own.unwrap_or(description))?;
                started.prefetch = prefetch;
                Ok(started)
            }
            (Answer::Unusable(reason), _) => Err(refuse(plain(&reason))),
            (other, _) => Err(started.unexpected(&other)),
        }
    }

    /// The method's library, as it describes itself.
    pub(crate) fn library(&self) -> &MethodLibrary {
        &self.library
    }

    /// The restrictions in force, one by one.
    pub(crate) fn sandbox(&self) -> &[String] {
        &self.sandbox
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Allocates buffers that the method reads without a copy.
    pub(crate) fn staging(&self) -> Staging {
        let requests = self.requests.clone();
        let announce = Announce(Arc::new(move |part, len| requests.prefetch(part, len)));
        Staging::shared(self.memory.clone(), Some(announce).filter(|_| self.prefetch))
    }

    /// One pretraining step on clips `(B, C, T, H, W)` of the system with index `system`, and the metrics that the method recorded.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error; [`Error::MethodDied`].
    pub(crate) fn pretrain_step(
        &mut self,
        part: Part,
        shape: [usize; 5],
        system: usize,
    ) -> Result<(StepReport, Vec<Metric>)> {
        match self.ask(&Request::Pretrain(Batch { part, shape, system }), &[])? {
            (Answer::Pretrained { loss, learning_rate }, _) => {
                let report = StepReport { loss: loss.into(), learning_rate: learning_rate.into() };
                Ok((report, std::mem::take(&mut self.metrics)))
            }
            (other, _) => Err(self.unexpected(&other)),
        }
    }

    /// Embeds clips `(B, C, T, H, W)` of the system with index `system`.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error, or if it returns an invalid tensor; [`Error::MethodDied`].
    pub(crate) fn encode(&mut self, part: Part, shape: [usize; 5], system: usize) -> Result<EncodedTokens> {
        self.ask_for_tokens(&Request::Encode(Batch { part, shape, system }), shape[0])
    }

    /// Starts end-to-end training of the encoder with a new optimizer.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] if the plugin has no interface for it, or with the method's error; [`Error::MethodDied`].
    pub(crate) fn begin_finetuning(&mut self, weight_decay: f64) -> Result<()> {
        self.command(&Request::BeginFinetuning(weight_decay), &[])
    }

    /// Embeds clips `(B, C, T, H, W)` and keeps the graph for [`finetune_step`](Self::finetune_step).
    ///
    /// # Errors
    ///
    /// As for [`encode`](Self::encode).
    pub(crate) fn encode_with_gradient(
        &mut self,
        part: Part,
        shape: [usize; 5],
        system: usize,
    ) -> Result<EncodedTokens> {
        self.ask_for_tokens(&Request::EncodeWithGradient(Batch { part, shape, system }), shape[0])
    }

    /// Updates the encoder with `gradient`, `(B, tokens, dim)`, of the loss with respect to the tokens of the last
    /// [`encode_with_gradient`](Self::encode_with_gradient).
    ///
    /// # Errors
    ///
    /// As for [`encode`](Self::encode).
    pub(crate) fn finetune_step(&mut self, gradient: &[f32], shape: [usize; 3], learning_rate: f64) -> Result<()> {
        self.command(&Request::Finetune { shape, learning_rate }, bytemuck::cast_slice(gradient))
    }

    /// The complete state, as the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error; [`Error::MethodDied`].
    pub(crate) fn save(&mut self) -> Result<Vec<u8>> {
        match self.ask(&Request::Save, &[])? {
            (Answer::State, state) => Ok(state),
            (other, _) => Err(self.unexpected(&other)),
        }
    }

    /// Loads a complete state, or the encoder's weights, from the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error; [`Error::MethodDied`].
    pub(crate) fn load(&mut self, file: &[u8], scope: LoadScope) -> Result<()> {
        self.command(&Request::Load(scope.into()), file)
    }

    /// The trainable tensors, in order of their names.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error; [`Error::MethodDied`].
    pub(crate) fn parameters(&mut self) -> Result<Vec<ParameterFacts>> {
        match self.ask(&Request::Parameters, &[])? {
            (Answer::Parameters(parameters), _) => Ok(parameters),
            (other, _) => Err(self.unexpected(&other)),
        }
    }

    /// Makes the process return freed memory, and begins a new measurement of the GPU's peak.
    ///
    /// # Errors
    ///
    /// [`Error::MethodDied`].
    pub(crate) fn reset_peaks(&mut self) -> Result<()> {
        self.command(&Request::ResetPeaks, &[])
    }

    /// The peak memory of tensors and prefetched batches on the GPU since [`reset_peaks`](Self::reset_peaks), in bytes; none on the
    /// CPU, or if the driver does not report it.
    ///
    /// # Errors
    ///
    /// [`Error::MethodDied`].
    pub(crate) fn peak_on_device(&mut self) -> Result<Option<u64>> {
        match self.ask(&Request::PeakOnDevice, &[])? {
            (Answer::PeakOnDevice(bytes), _) => Ok(bytes),
            (other, _) => Err(self.unexpected(&other)),
        }
    }

    fn command(&mut self, request: &Request, payload: &[u8]) -> Result<()> {
        match self.ask(request, payload)? {
            (Answer::Done, _) => Ok(()),
            (other, _) => Err(self.unexpected(&other)),
        }
    }

    /// Asks for the tokens of `clips` clips, and checks their number.
    fn ask_for_tokens(&mut self, request: &Request, clips: usize) -> Result<EncodedTokens> {
        let (shape, payload) = match self.ask(request, &[])? {
            (Answer::Tokens(shape), payload) => (shape, payload),
            (other, _) => return Err(self.unexpected(&other)),
        };
        let bytes = shape.iter().try_fold(size_of::<f32>(), |bytes, &length| bytes.checked_mul(length));
        if shape[0] != clips || bytes != Some(payload.len()) || payload.is_empty() {
            return Err(
                self.failed(format!("{} bytes are no tokens of shape {shape:?} of {clips} clips", payload.len()))
            );
        }
        Ok(EncodedTokens { values: frames::floats(&payload), shape })
    }

    /// Sends a request and waits for its answer.
    fn ask(&mut self, request: &Request, payload: &[u8]) -> Result<(Answer, Vec<u8>)> {
        let longest = match request {
            Request::Encode(batch) | Request::EncodeWithGradient(batch) => batch.shape[0] as u64 * LONGEST_EMBEDDING,
            Request::Save => longest_state(),
            _ => SMALL,
        };
        self.metrics.clear();
        if self.requests.send(request, payload).is_err() {
            return Err(self.died(None));
        }
        self.receive(longest)
    }

    /// Waits for an answer with a payload of at most `longest` bytes; metrics before it are kept.
    fn receive(&mut self, longest: u64) -> Result<(Answer, Vec<u8>)> {
        loop {
            if !self.wait_for_answer() {
                return Err(self.died(None));
            }
            match frames::read(&mut self.answers, longest) {
                Ok(Some((Answer::Metric { name, step, value }, _))) => {
                    let metric = Metric { name, step, value: value.into() };
                    metric.check(self.metrics.len()).map_err(|why| self.failed(why))?;
                    self.metrics.push(metric);
                }
                Ok(Some((Answer::Failed(message), _))) => return Err(self.failed(message)),
                Ok(Some((Answer::Refused(message), _))) => {
                    return Err(Error::Refused { method: self.name.clone(), message: plain(&message) });
                }
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => return Err(self.died(None)),
                Err(error) => return Err(self.died(Some(error))),
            }
        }
    }

    /// Waits until there is something to read; false if the process has ended without. A process that it has left behind may hold
    /// its pipe open.
    fn wait_for_answer(&mut self) -> bool {
        while self.answers.buffer().is_empty() && !process_group::is_readable(self.answers.get_ref()) {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return process_group::is_readable(self.answers.get_ref());
            }
        }
        true
    }

    fn failed(&self, message: String) -> Error {
        Error::method(&self.name, &message)
    }

    fn unexpected(&self, answer: &Answer) -> Error {
        let name: String = format!("{answer:?}").chars().take_while(|c| c.is_alphanumeric()).collect();
        self.failed(format!("its process gave an answer that nobody asked for ({name})"))
    }

    /// Waits for the end of a process that does not answer any more, and says how it ended.
    fn died(&mut self, error: Option<io::Error>) -> Error {
        self.requests.close();
        let garbled = error.filter(|error| error.kind() == io::ErrorKind::InvalidData);
        let how = match (self.end(if garbled.is_some() { Duration::ZERO } else { GRACE }), garbled) {
            (_, Some(error)) => plain(&format!("it wrote to the pipe of this program: {error}")),
            (Some(status), None) => child::cause(status),
            (None, None) => "it closed its pipe to this program; killed".into(),
        };
        Error::MethodDied { how, phase: None, log: String::new() }
    }

    /// Waits for the end of the process, and kills it after `patience`. Its status, if it ended by itself.
    fn end(&mut self, patience: Duration) -> Option<ExitStatus> {
        let clock = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                self.end_orphans();
                return Some(status);
            }
            if clock.elapsed() >= patience {
                break;
            }
            thread::sleep(pause);
            pause = (2 * pause).min(Duration::from_millis(50));
        }
        // Both fail only if it has ended meanwhile.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.end_orphans();
        None
    }

    /// Ends what the process, which has ended, has left behind.
    fn end_orphans(&self) {
        process_group::keep_child(self.process.id(), false);
        process_group::end_orphans();
    }
}

impl Drop for MethodProcess {
    fn drop(&mut self) {
        self.requests.close();
        self.end(GRACE);
    }
}

/// The longest payload of an answer that has none, in bytes.
const SMALL: u64 = 1 << 16;

/// The longest embedding of a clip, in bytes: 4,194,304 values.
const LONGEST_EMBEDDING: u64 = 16 << 20;

/// The longest state, in bytes: half of the memory of this machine, if that is known.
fn longest_state() -> u64 {
    match machine_memory() / 2 {
        0 => u64::MAX,
        half => half,
    }
}
