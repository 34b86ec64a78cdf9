//! `physrep-bench encode`: clips in, embeddings out, with a method and a checkpoint of one's own.

use std::{collections::HashMap, path::PathBuf};

use candle_core::{DType, Device, safetensors as st};
use physrep_abi::LogLevel;
use serde_json::Value;

use crate::{
    Error, Result, checkpoint, crates,
    device::{self, Choice},
    files, overrides,
    plugin::{Callbacks, Checkpoint, Geometry, Plugin, Session, SessionSpec},
    pretrain::Record,
};

/// What to encode with what.
#[derive(Clone, Debug)]
pub struct Encode {
    /// The method's name.
    pub method: String,
    /// Where plugins are looked for; empty for the checkout's.
    pub plugins: Vec<PathBuf>,
    /// `KEY=VALUE` overrides of the method's configuration.
    pub set: Vec<String>,
    /// The encoder's weights.
    pub checkpoint: PathBuf,
    /// Which of the systems that a run's state was pretrained on the clips are of; may be left out if it is one alone.
    pub system: Option<String>,
    /// A safetensors file with the tensor `input`, `(B, C, T, H, W)`.
    pub input: PathBuf,
    /// Gets the tensor `embedding`, `(B, tokens, dim)`.
    pub output: PathBuf,
    /// Where to compute.
    pub device: Choice,
}

/// Clips in a batch of encoding.
const BATCH: usize = 16;

struct ToStandardError;

impl Callbacks for ToStandardError {
    fn log(&self, level: LogLevel, message: &str) {
        eprintln!("{level:?}: {message}");
    }

    fn metric(&self, _name: &str, _step: u64, _value: f64) {}
}

/// Encodes the clips of `input` and writes their embeddings to `output`.
pub fn run(encode: &Encode) -> Result<()> {
    let device = encode.device.resolve_aloud()?;
    let plugin = find(&encode.method, &encode.plugins, device)?;
    let input_error = |reason: String| Error::File { path: encode.input.clone(), reason };
    let mut tensors = st::load(&encode.input, &Device::Cpu).map_err(|e| input_error(e.to_string()))?;
    let input = tensors.remove("input").ok_or_else(|| input_error("has no tensor `input`".into()))?;
    let [b, c, t, h, w] = *input.dims() else {
        return Err(input_error(format!("`input` has shape {:?}; expected (B, C, T, H, W)", input.dims())));
    };
    if input.elem_count() == 0 {
        return Err(input_error(format!("`input` has shape {:?}: it is empty", input.dims())));
    }
    let clips = input
        .to_dtype(DType::F32)
        .and_then(|input| input.flatten_all()?.to_vec1::<f32>())
        .map_err(|e| input_error(e.to_string()))?;

    let made = Made::for_clips(encode, [c, h, w])?;
    let scratch = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    let spec = SessionSpec {
        config: &overrides::parse(made.config.as_ref(), encode.set.iter().map(String::as_str))?,
        systems: &made.systems,
        context_frames: t,
        future_frames: t,
        batch: b,
        steps: 0,
        seed: 0,
        device,
        scratch: &scratch.path().to_string_lossy(),
    };
    let mut session = Session::new(&plugin, &spec, &ToStandardError)?;
    session.load(&checkpoint::read(&encode.checkpoint)?, Checkpoint::Encoder)?;

    let mut values = Vec::new();
    let mut shape = [0, 0, 0];
    let clip = c * t * h * w;
    for batch in clips.chunks(BATCH * clip) {
        let tokens = session.encode(batch.into(), [batch.len() / clip, c, t, h, w], made.system)?;
        values.extend(tokens.values);
        shape = [b, tokens.shape[1], tokens.shape[2]];
    }
    let error = |e: &dyn std::fmt::Display| Error::File { path: encode.output.clone(), reason: e.to_string() };
    let embedding = candle_core::Tensor::from_vec(values, &shape, &Device::Cpu).map_err(|e| error(&e))?;
    let tensors = HashMap::from([("embedding", embedding)]);
    files::write(&encode.output, &safetensors::serialize(tensors, None).map_err(|e| error(&e))?)
}

/// What the session of a checkpoint is made for.
struct Made {
    systems: Vec<Geometry>,
    /// Which of them the clips are of.
    system: usize,
    /// The configuration that the checkpoint was trained with, if that is known.
    config: Option<Value>,
}

impl Made {
    /// As the record says that a run left beside the checkpoint. Clips of another form than the one system there, and
    /// checkpoints without a record, are taken for scalar fields on a periodic grid.
    fn for_clips(encode: &Encode, [c, h, w]: [usize; 3]) -> Result<Self> {
        let path = encode.checkpoint.display();
        let anonymous = |config| Self { systems: vec![Geometry::anonymous(c, [h, w])], system: 0, config };
        let record = Record::beside(&encode.checkpoint)?.filter(|record| record.method == encode.method);
        let Some(Record { config, systems, .. }) = record else {
            return match &encode.system {
                None => Ok(anonymous(None)),
                Some(name) => Err(Error::Usage(format!(
                    "--system {name}: nothing beside {path} says what {} was pretrained on; leave it out",
                    encode.method
                ))),
            };
        };
        let names = systems.iter().map(|system| system.system.as_str()).collect::<Vec<_>>().join(", ");
        let system = match &encode.system {
            Some(name) => systems.iter().position(|system| system.system == *name).ok_or_else(|| {
                Error::Usage(format!("--system {name}: {path} was not pretrained on it, but on: {names}"))
            })?,
            None if systems.len() == 1 => 0,
            None => {
                return Err(Error::Usage(format!(
                    "{path} was pretrained on several systems; name with --system the one that the clips are of: {names}"
                )));
            }
        };
        let [_, channels, _, height, width] = systems[system].geometry.shape(1, 1);
        if [c, h, w] == [channels, height, width] {
            return Ok(Self {
                systems: systems.into_iter().map(|system| system.geometry).collect(),
                system,
                config: Some(config),
            });
        }
        if systems.len() == 1 && encode.system.is_none() {
            return Ok(anonymous(Some(config)));
        }
        Err(Error::File {
            path: encode.input.clone(),
            reason: format!(
                "clips of {c} channels on {h}x{w} points; {path} was pretrained on {}, which has {channels} channels on \
                 {height}x{width} points",
                systems[system].system
            ),
        })
    }
}

/// The plugin of the method called `name`. Crates are built only until it is found.
pub(crate) fn find(name: &str, plugins: &[PathBuf], device: device::Device) -> Result<Plugin> {
    let mut others = Vec::new();
    for source in crates::sources(plugins)? {
        let plugin = source.library(device).and_then(|library| Plugin::open(&library));
        match plugin {
            Ok(plugin) if plugin.name() == name => return Ok(plugin),
            Ok(plugin) => others.push(plugin.name().to_owned()),
            // Another method's broken crate is not this one's problem, unless it is this one.
            Err(error) => others.push(format!("({error})")),
        }
    }
    Err(Error::Usage(format!("no method `{name}`; found: {}", others.join(", "))))
}
