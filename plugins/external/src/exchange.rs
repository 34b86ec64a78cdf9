//! Requests and their answers, one at a time: what does not answer the request is an error that names it.

use abi_stable::std_types::RStr;
use physrep_abi::{ErrorCode, HostCallbacks, LogLevel};
use serde::de::DeserializeOwned;

use crate::{
    answer::{ErrorKind, Level, Line, Log, MethodError, Metric, parse},
    array::Array,
    failure::{Failure, Result},
    program::Program,
    request::{Numbered, Request},
};

/// A program and the number of its last request.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) program: Program,
    last: u64,
    host: HostCallbacks,
    /// Why no request can be answered any more.
    broken: Option<Failure>,
}

impl Exchange {
    pub(crate) fn new(program: Program, host: HostCallbacks) -> Self {
        Self { program, last: 0, host, broken: None }
    }

    /// Asks, and waits for the answer; metrics and lines of the log before it are passed on to the host.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, request: Request<'_>) -> Result<T> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        self.last += 1;
        let name = request.name();
        let line = serde_json::to_string(&Numbered { id: self.last, request })
            .map_err(|error| Failure::method(format!("{name} cannot be written as JSON: {error}")))?;
        // If it does not listen, the end of its output says more.
        let _ = self.program.send(&line);
        match self.answer(name) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(MethodError { kind, message })) => Err(Failure::new(code(kind), message)),
            Err(why) => {
                let failure = Failure::method(why);
                self.broken = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Sends the last request, whose answer is the end of the program.
    pub(crate) fn tell_to_end(&mut self) {
        let last = Numbered { id: self.last + 1, request: Request::Destroy };
        // One that does not listen has ended, or is ended soon.
        let _ = serde_json::to_string(&last).map(|line| self.program.send(&line));
    }

    /// The answer to the last request; the outer error is why there will be none.
    fn answer<T: DeserializeOwned>(&mut self, name: &str) -> Result<Result<T, MethodError>, String> {
        loop {
            let Some(line) = self.program.receive().map_err(|why| refused(name, &why))? else {
                let (how, log) = self.program.end();
                let advice = match log.contains("ModuleNotFoundError") {
                    true => {
                        "; install it for the Python that `command` in method.toml starts, or let `command` name another, such as .venv/bin/python"
                    }
                    false => "",
                };
                return Err(format!("its program {how} instead of answering {name}{log}{advice}"));
            };
            match parse::<T>(&line).map_err(|why| refused(name, &why))? {
                Line::Answer(id, answer) if id == self.last => return Ok(answer),
                Line::Answer(id, _) => {
                    return Err(refused(name, &format!("an answer with id {id}; expected id {}", self.last)));
                }
                Line::Metric(Metric { name, step, value }) => {
                    let value = value.unwrap_or(f64::NAN);
                    (self.host.metric)(self.host.context, RStr::from_str(&name), step, value);
                }
                Line::Log(log) => self.log(&log),
            }
        }
    }

    /// Writes a line to the log.
    pub(crate) fn log(&self, Log { level, message }: &Log) {
        let level = match level {
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
        };
        (self.host.log)(self.host.context, level, RStr::from_str(message));
    }

    /// The values of an array of the program, of at most `longest` bytes, in an answer to `name`.
    pub(crate) fn read(&self, name: &str, array: &Array, longest: u64) -> Result<Vec<u8>> {
        let values = self.program.arrays_of_method.read(array, longest);
        values.map_err(|why| Failure::method(refused(name, &why)))
    }
}

/// A message about an answer to `name` that is none.
pub(crate) fn refused(name: &str, why: &str) -> String {
    format!("its answer to {name} does not keep to the protocol (docs/external-methods.md): {why}")
}

fn code(kind: ErrorKind) -> ErrorCode {
    match kind {
        ErrorKind::Method => ErrorCode::METHOD,
        ErrorKind::Config => ErrorCode::CONFIG,
        ErrorKind::Unsupported => ErrorCode::UNSUPPORTED,
        ErrorKind::Diverged => ErrorCode::DIVERGED,
        ErrorKind::Checkpoint => ErrorCode::CHECKPOINT,
    }
}
