//! Describing a library in a child process: loading it runs code of others, which may crash, hang, or change the process.

use std::{env, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{library::Plugin, method_library::MethodLibrary};
use crate::{
    child::{ChildSettings, SupervisedChild, begin_as_child, cause, last_line, limit_memory},
    error::{Error, Result, plain},
    interrupt, messages,
    sandbox::{self, Access},
};

/// How long a library may take to load and to describe itself. Those of CUDA are large.
const TIME: Duration = Duration::from_secs(30);

/// The memory that it may allocate meanwhile, in bytes.
const MEMORY: u64 = 4 << 30;

/// A message of the process that describes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Described(Value),
    Refused(String),
}

/// The method of the library at `path`, described by a child process.
///
/// # Errors
///
/// [`Error::Plugin`] if the library cannot be used, or its process crashed, hung or ran out of memory; [`Error::Interrupted`].
pub fn describe_library(path: &Path) -> Result<MethodLibrary> {
    let refuse = |reason: String| Error::Plugin { path: path.to_owned(), reason };
    // An absolute path: dlopen searches the system's folders for a bare file name.
    let path = &path.canonicalize().map_err(|e| refuse(format!("cannot be opened: {e}")))?;
    let mut log = tempfile::tempfile().map_err(Error::io(env::temp_dir()))?;
    let child = SupervisedChild::spawn(ChildSettings {
        arguments: vec!["describe-one".into(), "--".into(), path.into()],
        threads: Some(1),
        stops_at_end_of_input: false,
        gpu: None,
        log: log.try_clone().map_err(Error::io(env::temp_dir()))?,
    })?;
    let mut last = None;
    let ended = child.watch(TIME, |message| {
        last = Some(message);
        TIME
    });
    let ended = ended.map_err(Error::io("the process that describes a library"))?;
    interrupt::check()?;
    match last {
        Some(Message::Described(description)) if ended.status.success() => MethodLibrary::new(path, description),
        Some(Message::Refused(reason)) => Err(refuse(plain(&reason))),
        _ if ended.stalled => Err(refuse(format!("loading it took more than {} s; killed", TIME.as_secs()))),
        _ => Err(refuse(format!("loading it ended its process ({}){}", cause(ended.status), last_line(&mut log)))),
    }
}

/// Opens the library at `path` and sends its description. It runs in a child process.
///
/// # Errors
///
/// If the parent does not listen.
pub fn describe_in_this_process(path: &Path) -> Result<()> {
    begin_as_child()?;
    limit_memory(MEMORY)?;
    sandbox::enter(&Access::to_library(path))?;
    let message = match Plugin::open(path) {
        Ok(plugin) => Message::Described(plugin.library().description().clone()),
        Err(Error::Plugin { reason, .. }) => Message::Refused(reason),
        Err(error) => Message::Refused(error.to_string()),
    };
    messages::send(&message).map_err(Error::io("standard output"))
}
