//! Embeds the clips of a file with a method and a checkpoint.

use std::{collections::HashMap, io::ErrorKind, path::PathBuf};

use candle_core::{DType, Device as CandleDevice, Tensor, safetensors as st};
use physrep_abi::LoadScope;
use physrep_benchmarks::regular_file;
use physrep_records::{Device, files};
use serde_json::Value;

use crate::{
    config_overrides,
    error::{Error, Result},
    method_process::MethodProcess,
    plugin::{Geometry, SessionSpec},
    plugin_sources::find_plugin,
    stages::PretrainingRecord,
    weights::WeightsFile,
};

/// What to encode, and with what.
#[derive(Clone, Debug)]
pub struct EncodeTask {
    /// The method's name.
    pub method: String,
    /// Plugin crates, folders of methods or of crates, or libraries.
    pub plugins: Vec<PathBuf>,
    /// `KEY=VALUE` overrides of the method's configuration.
    pub set: Vec<String>,
    /// The encoder's weights.
    pub checkpoint: PathBuf,
    /// The keys in the checkpoint below which the weights are, joined by dots; needed only if several places fit.
    pub key: Option<String>,
    /// The system of the clips, one of those that the checkpoint was pretrained on; optional if there is only one.
    pub system: Option<String>,
    /// A safetensors file with the tensor `input`, `(B, C, T, H, W)`.
    pub input: PathBuf,
    /// The safetensors file to write, with the tensor `embedding`, `(B, tokens, dim)`.
    pub output: PathBuf,
    /// The device to compute on.
    pub device: Device,
}

/// Clips per batch.
const BATCH: usize = 16;

/// Encodes the clips of `input` and writes their embeddings to `output`.
///
/// # Errors
///
/// If a file does not have the expected content, or the method fails.
pub fn encode_clips(encode: &EncodeTask) -> Result<()> {
    let device = encode.device;
    let library = find_plugin(&encode.method, &encode.plugins, device)?;
    let input_error = |reason: String| Error::file(&encode.input, reason);
    regular_file::open(&encode.input).map_err(Error::io(&encode.input))?;
    let mut tensors = st::load(&encode.input, &CandleDevice::Cpu).map_err(|e| input_error(e.to_string()))?;
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
    if let Some(at) = clips.iter().position(|value| !value.is_finite()) {
        let (frame, value) = (at / (h * w), clips[at]);
        let (clip, channel, frame) = (frame / (c * t), frame / t % c, frame % t);
        let place = format!("`input`, clip {clip}, channel {channel}, frame {frame}");
        return Err(input_error(format!("{place}: expected finite values, found {value}")));
    }

    let mut weights = WeightsFile::open(&encode.checkpoint)?;
    let origin = Origin::for_clips(encode, [c, h, w])?;
    let scratch = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    let spec = SessionSpec {
        config: config_overrides::parse(origin.config.as_ref(), encode.set.iter().map(String::as_str))?,
        systems: origin.systems,
        context_frames: t,
        future_frames: t,
        batch: b,
        steps: 0,
        seed: 0,
        device,
        scratch: scratch.path().canonicalize().map_err(Error::io(scratch.path()))?,
    };
    let mut method = MethodProcess::start(&encode.method, library.code(), spec, &[])?;
    let parameters = method.parameters()?;
    method.load(&weights.encoder(&parameters, encode.key.as_deref())?, LoadScope::Encoder)?;

    let mut values = Vec::new();
    let mut shape = [0, 0, 0];
    let clip = c * t * h * w;
    let (mut buffer, _) = method.staging().zeros(BATCH.min(b) * clip);
    let part = buffer.part().ok_or_else(|| Error::io("shared memory for clips")(ErrorKind::OutOfMemory.into()))?;
    for batch in clips.chunks(BATCH * clip) {
        buffer.values_mut().map_err(Error::Device)?[..batch.len()].copy_from_slice(batch);
        let tokens = method.encode(part, [batch.len() / clip, c, t, h, w], origin.system)?;
        if let Some(value) = tokens.values.iter().find(|value| !value.is_finite()) {
            let message =
                format!("expected finite embeddings, got {value}; do the checkpoint and the clips belong together?");
            return Err(Error::method(&encode.method, &message));
        }
        values.extend(tokens.values);
        shape = [b, tokens.shape[1], tokens.shape[2]];
    }
    let error = |e: &dyn std::fmt::Display| Error::file(&encode.output, e.to_string());
    let embedding = Tensor::from_vec(values, &shape, &CandleDevice::Cpu).map_err(|e| error(&e))?;
    let tensors = HashMap::from([("embedding", embedding)]);
    Ok(files::write(&encode.output, &safetensors::serialize(tensors, None).map_err(|e| error(&e))?)?)
}

/// What a checkpoint was trained on.
struct Origin {
    systems: Vec<Geometry>,
    /// The index of the clips' system.
    system: usize,
    /// The configuration of the training, if known.
    config: Option<Value>,
}

impl Origin {
    /// Reads the pretraining record beside the checkpoint, if there is one. Without it, or if the shape of the clips differs from that
    /// of the only system, the clips are treated as scalar fields on a periodic grid.
    fn for_clips(encode: &EncodeTask, [c, h, w]: [usize; 3]) -> Result<Self> {
        let path = encode.checkpoint.display();
        let anonymous = |config| Self { systems: vec![Geometry::anonymous(c, [h, w])], system: 0, config };
        let record = PretrainingRecord::beside(&encode.checkpoint)?.filter(|record| record.method == encode.method);
        let Some(PretrainingRecord { config, systems, .. }) = record else {
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
        let reason = format!(
            "clips of {c} channels on {h}x{w} points; {path} was pretrained on {}, which has {channels} channels on \
             {height}x{width} points",
            systems[system].system
        );
        Err(Error::file(&encode.input, reason))
    }
}
