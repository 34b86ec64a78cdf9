//! The process of a method, from the inside: it confines itself, opens the library, and answers requests until their pipe ends.

use std::{fs::File, io, sync::Mutex};

use physrep_abi::LogLevel;

use super::{
    frames,
    incoming::IncomingRequests,
    requests::{Answer, Batch, ParameterFacts, Request, Start},
};
use crate::{
    child::{begin_as_child, first_to_go, limit_files},
    device::{BatchRef, MemoryKind, MemoryPool, SharedClips, keep_freed_memory},
    error::{Error, Result},
    interrupt, messages,
    peak_memory::return_freed_memory,
    plugin::{Callbacks, EncodedTokens, Plugin, Session, log_method},
    sandbox,
};

/// Opens a library and answers the requests on standard input. It runs in a process that a cell starts, before any other thread.
///
/// # Errors
///
/// If the process of the cell does not listen, or the first request is another one.
pub fn serve_in_this_process() -> Result<()> {
    begin_as_child()?;
    // A signal to all processes of the cell ends this one with its pipe, so that a checkpoint can be written.
    interrupt::ignore_signals();
    let pipe = || Error::io("the pipe of requests");
    let mut input = messages::take_input().map_err(pipe())?;
    let answers = Answers(Mutex::new(messages::take_output().map_err(pipe())?));
    let Some((Request::Start(start), _)) = frames::read(&mut input, 0).map_err(pipe())? else {
        return Err(Error::Usage("this process is started by `physrep-bench cell`".into()));
    };
    let clips = match confine(&start) {
        Ok((clips, sandbox)) => {
            answers.send(&Answer::Confined(sandbox), &[])?;
            clips
        }
        Err(error) => return answers.send(&failure(error), &[]),
    };
    let plugin = match Plugin::open(&start.library) {
        Ok(plugin) => plugin,
        Err(Error::Plugin { reason, .. }) => return answers.send(&Answer::Unusable(reason), &[]),
        Err(error) => return answers.send(&failure(error), &[]),
    };
    let session = match Session::new(&plugin, &start.spec, &answers) {
        Ok(session) => session,
        Err(error) => return answers.send(&failure(error), &[]),
    };
    let memory = session.memory();
    let mut requests = IncomingRequests::read(input, clips, memory).map_err(pipe())?;
    let description = plugin.library().description().clone();
    answers.send(&Answer::Started { description, prefetch: memory != MemoryKind::Host }, &[])?;
    let pool = MemoryPool::of(start.spec.device).ok().flatten();
    let mut served = Served { session, pool };
    while let Some((request, payload)) = requests.next() {
        let (answer, payload) = served.answer(request, &payload, &mut requests);
        answers.send(&answer, &payload)?;
    }
    Ok(())
}

/// Opens the clips, then confines this process. Returns the restrictions in force.
fn confine(start: &Start) -> Result<(SharedClips, Vec<String>)> {
    limit_files()?;
    first_to_go();
    let clips = SharedClips::open(&start.clips).map_err(Error::io(&start.clips))?;
    let sandbox = sandbox::enter(&start.access)?;
    physrep_nn::retain_heap_memory();
    keep_freed_memory(start.spec.device);
    Ok((clips, sandbox))
}

/// A session and the memory pool of its GPU.
struct Served<'a> {
    session: Session<'a>,
    pool: Option<MemoryPool>,
}

impl Served<'_> {
    /// The answer to a request, and its payload.
    fn answer(&mut self, request: Request, payload: &[u8], requests: &mut IncomingRequests) -> (Answer, Vec<u8>) {
        self.try_answer(request, payload, requests).unwrap_or_else(|error| (failure(error), Vec::new()))
    }

    fn try_answer(
        &mut self,
        request: Request,
        payload: &[u8],
        requests: &mut IncomingRequests,
    ) -> Result<(Answer, Vec<u8>)> {
        let session = &mut self.session;
        let answer = match request {
            Request::Pretrain(batch) => {
                let report = session.pretrain_step(clips(requests, &batch)?, batch.shape, batch.system)?;
                Answer::Pretrained { loss: report.loss.into(), learning_rate: report.learning_rate.into() }
            }
            Request::Encode(batch) => {
                return Ok(tokens(session.encode(clips(requests, &batch)?, batch.shape, batch.system)?));
            }
            Request::EncodeWithGradient(batch) => {
                return Ok(tokens(session.encode_with_gradient(
                    clips(requests, &batch)?,
                    batch.shape,
                    batch.system,
                )?));
            }
            Request::BeginFinetuning(weight_decay) => {
                session.begin_finetuning(weight_decay)?;
                Answer::Done
            }
            Request::Finetune { shape, learning_rate } => {
                session.finetune_step(&frames::floats(payload), shape, learning_rate)?;
                Answer::Done
            }
            Request::Save => return Ok((Answer::State, session.save()?)),
            Request::Load(scope) => {
                session.load(payload, scope.into())?;
                Answer::Done
            }
            Request::Parameters => {
                let facts = session.parameters()?.into_iter().map(|parameter| ParameterFacts {
                    name: parameter.name.into(),
                    shape: parameter.shape.into(),
                    checksum: parameter.checksum.into(),
                    encoder: parameter.encoder,
                });
                Answer::Parameters(facts.collect())
            }
            Request::ResetPeaks => {
                return_freed_memory();
                self.pool = self.pool.take().filter(|pool| pool.reset_peak().is_ok());
                Answer::Done
            }
            Request::PeakOnDevice => Answer::PeakOnDevice(self.pool.as_ref().and_then(|pool| pool.peak().ok())),
            Request::Start(_) | Request::Prefetch { .. } => {
                return Err(Error::Usage("a request that has no place here".into()));
            }
        };
        Ok((answer, Vec::new()))
    }
}

/// The clips of a batch, where the method reads them.
fn clips<'a>(requests: &'a mut IncomingRequests, batch: &Batch) -> Result<BatchRef<'a>> {
    requests.clips(batch).map_err(|message| Error::Method { method: String::new(), message })
}

fn tokens(tokens: EncodedTokens) -> (Answer, Vec<u8>) {
    (Answer::Tokens(tokens.shape), bytemuck::cast_slice(&tokens.values).to_vec())
}

fn failure(error: Error) -> Answer {
    match error {
        Error::Refused { message, .. } => Answer::Refused(message),
        Error::Method { message, .. } => Answer::Failed(message),
        other => Answer::Failed(other.to_string()),
    }
}

/// The pipe of answers. A method's threads may report metrics at any time.
struct Answers(Mutex<File>);

impl Answers {
    fn send(&self, answer: &Answer, payload: &[u8]) -> Result<()> {
        self.write(answer, payload).map_err(Error::io("the pipe of answers"))
    }

    fn write(&self, answer: &Answer, payload: &[u8]) -> io::Result<()> {
        frames::write(&mut *self.0.lock().unwrap_or_else(|e| e.into_inner()), answer, payload)
    }
}

impl Callbacks for Answers {
    fn log(&self, level: LogLevel, message: &str) {
        log_method(level, message);
    }

    fn metric(&self, name: &str, step: u64, value: f64) {
        // If nobody listens, the next answer ends this process.
        let _ = self.write(&Answer::Metric { name: name.to_owned(), step, value: value.into() }, &[]);
    }
}
