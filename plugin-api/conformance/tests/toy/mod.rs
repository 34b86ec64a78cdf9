//! A small method in plain Rust: a linear encoder of each channel's mean, trained to predict the mean of the frames to come. It has one fault
//! on demand.

use std::{
    cell::Cell,
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use physrep_conformance::{Clips, Failure, Parameter, Session, Spec, Subject, Tokens};
use physrep_random::Stream;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};

const DIM: usize = 3;
const RATE: f32 = 0.05;

pub struct Toy {
    fault: &'static str,
    description: Value,
    opened: Cell<u32>,
}

impl Toy {
    pub fn new(fault: &'static str) -> Self {
        let name = match fault {
            "name with capitals" => "Toy",
            "name of a floor" => "mean",
            _ => "toy",
        };
        let default_config = match fault {
            "defaults without keys" => json!(3),
            "infinite default" => json!({ "gain": null }),
            _ => json!({ "gain": 1.0 }),
        };
        let long = "many words".repeat(60);
        let summary = if fault == "long summary" { &long } else { "Predicts the mean of the frames to come." };
        let description = json!({
            "name": name, "summary": summary, "default_config": default_config, "joint_pretraining": true,
        });
        Self { fault, description, opened: Cell::new(0) }
    }
}

impl Subject for Toy {
    fn description(&self) -> &Value {
        &self.description
    }

    fn open(&self, spec: &Spec) -> Result<Box<dyn Session + '_>, Failure> {
        self.opened.set(self.opened.get() + 1);
        let keys = spec.config.as_object().expect("an object");
        match keys.iter().find(|(key, _)| *key != "gain") {
            Some(_) if self.fault == "nameless key" => return Err(Failure::new("wrong configuration")),
            Some((key, _)) if self.fault != "unknown keys" => return Err(Failure::new(format!("no key `{key}`"))),
            _ => {}
        }
        match keys.get("gain") {
            Some(Value::Null) => return Err(Failure::new("gain: expected a number")),
            Some(_) if self.fault == "key that cannot be set" => return Err(Failure::new("gain: is not read")),
            _ => {}
        }
        let [height, width] = spec.systems[0].size;
        if !(height * width).is_multiple_of(2) && self.fault == "refuses odd grids" {
            return Err(Failure { message: "both sides must be even".into(), refused: true });
        }
        let mut weights = BTreeMap::new();
        let channels = spec.systems.iter().map(|system| system.channels).max().expect("a system");
        let seed = if self.fault == "no seed" { 0 } else { spec.seed };
        let mut names = vec![("encoder.weight", DIM * channels), ("head.weight", DIM * channels)];
        if self.fault == "unused parameter" {
            names.push(("encoder.unused", 2));
        }
        for (name, length) in names {
            let mut values = vec![0.0; length];
            Stream::new(seed, name, 0).fill_normal(&mut values);
            weights.insert(name.to_owned(), values);
        }
        let moments = weights.iter().map(|(name, values)| (name.clone(), vec![0.0; values.len()])).collect();
        let odd = self.opened.get().is_multiple_of(2);
        Ok(Box::new(ToySession {
            fault: self.fault,
            spec: spec.clone(),
            weights,
            moments,
            steps: 0,
            seen: 0,
            odd,
            running: 0.0,
            kept: Vec::new(),
        }))
    }

    fn has_processes(&self) -> bool {
        true
    }
}

struct ToySession {
    fault: &'static str,
    spec: Spec,
    weights: BTreeMap<String, Vec<f32>>,
    moments: BTreeMap<String, Vec<f32>>,
    steps: u32,
    /// Calls so far, which is no part of the state.
    seen: u32,
    /// Whether an odd number of sessions was opened before this one.
    odd: bool,
    running: f32,
    kept: Vec<u64>,
}

/// The mean of each clip and channel over `frames`, `[clip][channel]`.
fn means(clips: &Clips, frames: std::ops::Range<usize>) -> Vec<Vec<f32>> {
    let [_, channels, total, height, width] = clips.shape;
    let points = height * width;
    let field = |field: &[f32]| {
        field[frames.start * points..frames.end * points].iter().sum::<f32>() / (frames.len() * points) as f32
    };
    let means: Vec<f32> = clips.values.chunks_exact(total * points).map(field).collect();
    means.chunks_exact(channels).map(<[f32]>::to_vec).collect()
}

fn mismatch() -> Failure {
    Failure::new("shape mismatch in reshape")
}

impl ToySession {
    fn check(&self, clips: &Clips, system: usize) -> Result<(), Failure> {
        if system > 0 && self.fault == "one system" {
            return Err(Failure::new("no system 1"));
        }
        let [_, _, _, height, width] = clips.shape;
        let odd = !(height * width).is_multiple_of(2) && self.fault == "even grids";
        let frames = self.spec.context_frames != 16 && self.fault == "sixteen frames";
        if odd || frames || self.fault == "fails at once" { Err(mismatch()) } else { Ok(()) }
    }

    /// The embedding of a clip's channels.
    fn embed(&self, channels: &[f32]) -> [f32; DIM] {
        let weight = &self.weights["encoder.weight"];
        let row = |d: usize| channels.iter().enumerate().map(|(c, x)| weight[c * DIM + d] * x).sum::<f32>();
        std::array::from_fn(row)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut tensors = self.weights.clone();
        tensors.insert("@step".into(), vec![self.steps as f32]);
        if self.fault != "moments are not saved" {
            tensors.extend(
                self.moments.iter().map(|(name, values)| (format!("@optimizer.{name}.exp_avg"), values.clone())),
            );
        }
        if self.fault == "unstable state" {
            tensors.insert("@when".into(), vec![if self.odd { 1.0 } else { 0.0 }]);
        }
        if self.fault == "counter in encode" {
            tensors.insert("@seen".into(), vec![self.seen as f32]);
        }
        let data: Vec<(String, Vec<u8>)> = tensors
            .into_iter()
            .map(|(name, values)| (name, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
            .collect();
        let views = data.iter().map(|(name, bytes)| {
            (name, TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).expect("a valid tensor"))
        });
        safetensors::serialize(views, None).expect("plain tensors")
    }
}

impl Session for ToySession {
    fn pretrain_step(&mut self, clips: &Clips, system: usize) -> Result<f64, Failure> {
        self.check(clips, system)?;
        self.seen += 1;
        let context = self.spec.context_frames;
        let (inputs, targets) = (means(clips, 0..context), means(clips, context..clips.shape[2]));
        let scale = 2.0 / inputs.len() as f32;
        let length = self.weights["encoder.weight"].len();
        let (mut loss, mut encoder, mut head) = (0.0, vec![0.0; length], vec![0.0; length]);
        for (input, target) in inputs.iter().zip(&targets) {
            let z = self.embed(input);
            let weight = &self.weights["head.weight"];
            let errors: Vec<f32> = target
                .iter()
                .enumerate()
                .map(|(c, y)| (0..DIM).map(|d| weight[c * DIM + d] * z[d]).sum::<f32>() - y)
                .collect();
            loss += errors.iter().map(|error| error * error).sum::<f32>() / inputs.len() as f32;
            for d in 0..DIM {
                let back: f32 = errors.iter().enumerate().map(|(c, error)| weight[c * DIM + d] * error).sum();
                for (c, error) in errors.iter().enumerate() {
                    head[c * DIM + d] += scale * error * z[d];
                    encoder[c * DIM + d] += scale * back * input[c];
                }
            }
        }
        match self.fault {
            "divides by the variance" => {
                let variance: f32 = inputs.iter().flatten().map(|x| x * x).sum();
                loss *= variance.sqrt() / variance.max(0.0).sqrt();
            }
            "counter in the loss" => loss += self.seen as f32,
            "noisy loss" => loss += SystemTime::now().duration_since(UNIX_EPOCH).expect("now").subsec_nanos() as f32,
            "half a gradient" => head.iter_mut().for_each(|gradient| *gradient *= 0.5),
            "running mean" => self.running += inputs[0][0],
            "leak" => self.kept.extend(std::iter::repeat_n(1, 1 << 20)),
            "late parameter" if self.steps == 1 => {
                self.weights.insert("late".into(), vec![1.0]);
            }
            _ => {}
        }
        let sign = if self.fault == "ascends" { -1.0 } else { 1.0 };
        for (name, gradient) in [("encoder.weight", encoder), ("head.weight", head)] {
            let moments = self.moments.get_mut(name).expect("a moment");
            let weights = self.weights.get_mut(name).expect("a weight");
            for ((weight, moment), gradient) in weights.iter_mut().zip(moments).zip(gradient) {
                *moment = 0.5 * *moment + 0.5 * gradient;
                *weight -= sign * RATE * *moment;
            }
        }
        if self.fault == "threads" {
            self.weights.get_mut("head.weight").expect("a weight")[0] += self.spec.threads as f32;
        }
        self.steps += 1;
        Ok(loss.into())
    }

    fn encode(&mut self, clips: &Clips, system: usize) -> Result<Tokens, Failure> {
        self.check(clips, system)?;
        self.seen += 1;
        let inputs = means(clips, 0..clips.shape[2]);
        let mut values: Vec<f32> = inputs.iter().flat_map(|input| self.embed(input)).collect();
        let first = inputs[0][0];
        match self.fault {
            "constant tokens" => values.fill(1.0),
            "NaN in tokens" => values[1] = f32::NAN,
            "batch norm" => values.iter_mut().for_each(|value| *value -= first),
            "dropout in encode" => values[0] += self.seen as f32,
            "running mean" => values[0] += self.running,
            "clock" => values[0] += if self.odd { 1e-3 } else { 0.0 },
            "encode uses the head" => values[0] += self.weights["head.weight"][0],
            _ => {}
        }
        let tokens = if self.fault == "long tokens" { 10_000_000 } else { 1 };
        if tokens > 1 {
            values =
                values.chunks_exact(DIM).flat_map(|clip| clip.iter().cycle().take(tokens * DIM)).copied().collect();
        }
        Ok(Tokens { values, shape: [inputs.len(), tokens, DIM] })
    }

    fn finetune_step(&mut self, _: &Clips, _: usize) -> Result<(), Failure> {
        let moved = match self.fault {
            "detached tokens" => return Ok(()),
            "head is fine-tuned" => "head.weight",
            _ => "encoder.weight",
        };
        self.weights.get_mut(moved).expect("a weight")[0] += 0.1;
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(self.bytes())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), Failure> {
        let file = SafeTensors::deserialize(state).expect("a safetensors file");
        let read = |name: &str| -> Option<Vec<f32>> {
            let tensor = file.tensor(name).ok()?;
            Some(tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        };
        for (name, values) in &mut self.weights {
            *values = read(name).expect("the weight");
        }
        for (name, values) in &mut self.moments {
            *values = read(&format!("@optimizer.{name}.exp_avg")).unwrap_or_else(|| vec![0.0; values.len()]);
        }
        self.steps = read("@step").expect("the step")[0] as u32;
        Ok(())
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>, Failure> {
        let parameters = self.weights.iter().map(|(name, values)| Parameter {
            name: name.clone(),
            encoder: name.starts_with("encoder.") && self.fault != "no encoder",
            checksum: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        Ok(parameters.collect())
    }

    fn memory(&self) -> Option<u64> {
        Some(self.kept.len() as u64 * 8)
    }
}
