//! The attentive classifier against the paper's code and against its unfolded form, and what its training may depend on.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::{D, DType, Device, Result, Tensor};
use physrep_nn::{AdamW, AdamWConfig, CrossAttention, Init, LayerNorm, Linear, Params, Rng, gelu, layer_norm};
use physrep_statistics::{Labels, scores};

use crate::{
    Embeddings, Error, LabelledEmbeddings,
    probes::{
        attentive::{Attentive, AttentiveConfig, AttentiveHead, Tokens, heads},
        ridge::Ridge,
    },
};

const CPU: Device = Device::Cpu;

fn tokens(values: &[f32], n: usize, tokens: usize, dim: usize) -> Embeddings {
    Embeddings { values: values.to_vec(), n, tokens, dim }
}

/// All windows, normalised.
fn normalised(embeddings: &Embeddings) -> Tensor {
    let windows: Vec<u32> = (0..embeddings.n as u32).collect();
    Tokens::new(embeddings).batch(&windows, &CPU).unwrap()
}

/// The largest difference of two elements; NaN, the last in the total order, if one is NaN.
fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let differences = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
    let differences: Vec<f64> = differences.to_dtype(DType::F64).unwrap().to_vec1().unwrap();
    differences.into_iter().max_by(f64::total_cmp).unwrap()
}

fn largest(a: &Tensor) -> f64 {
    largest_difference(a, &a.zeros_like().unwrap())
}

fn mean_squared_error(predicted: &Tensor, labels: &Tensor) -> Result<Tensor> {
    (predicted - labels)?.sqr()?.mean_all()
}

/// The folder of vectors from the paper's code, if it is given.
fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("PHYSREP_REFERENCE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PHYSREP_REFERENCE_VECTORS does not name the folder of the paper's vectors");
    }
    folder
}

fn load(folder: &Path, name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder.join(name), &CPU).unwrap()
}

/// The head with the paper's weights, and the input and labels that go with them.
fn reference(folder: &Path) -> (Params, AttentiveHead, Tensor, HashMap<String, Tensor>) {
    let io = load(folder, "attn_default_io.safetensors");
    let (n, count, dim) = io["input"].dims3().unwrap();
    let input: Vec<f32> = io["input"].flatten_all().unwrap().to_vec1().unwrap();
    let params = Params::new(DType::F32, &CPU, 0);
    let head = AttentiveHead::new(dim, io["labels"].dim(D::Minus1).unwrap(), &params).unwrap();
    params.load(&load(folder, "attn_default.safetensors")).unwrap();
    (params, head, normalised(&tokens(&input, n, count, dim)), io)
}

#[test]
fn forward_and_gradients_are_the_paper_s() {
    let Some(folder) = vectors() else { return };
    let (params, head, input, io) = reference(&folder);
    let output = head.forward(&input).unwrap();
    let difference = largest_difference(&output, &io["output"]);
    assert!(difference <= 1e-5 * largest(&io["output"]), "output differs by {difference:e}");

    let gradients = mean_squared_error(&output, &io["labels"]).unwrap().backward().unwrap();
    let expected = load(&folder, "attn_default_grads.safetensors");
    assert_eq!(expected.len(), params.named().len());
    for (name, var) in params.named() {
        let difference = largest_difference(gradients.get(&var).unwrap(), &expected[&name]);
        let bound = 1e-5 * largest(&expected[&name]);
        assert!(difference <= bound, "gradient of {name} differs by {difference:e}, allowed {bound:e}");
    }
}

#[test]
fn five_updates_are_the_paper_s() {
    let Some(folder) = vectors() else { return };
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let expected = manifest["cases"]["attn_default"]["adamw_losses_lr1e-3_wd0.01"].as_array().unwrap();
    let (params, head, input, io) = reference(&folder);
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    assert_eq!(expected.len(), 5);
    for (step, expected) in expected.iter().enumerate() {
        let loss = mean_squared_error(&head.forward(&input).unwrap(), &io["labels"]).unwrap();
        optimizer.step(&loss.backward().unwrap(), 1e-3).unwrap();
        let (found, expected) = (f64::from(loss.to_scalar::<f32>().unwrap()), expected.as_f64().unwrap());
        assert!((found - expected).abs() <= 1e-5 * expected, "loss {step}: expected {expected}, found {found}");
    }
}

/// The head as the paper writes it: keys and values of every token, and no product folded into
/// another.
struct Unfolded {
    query: Tensor,
    norm1: LayerNorm,
    xattn: CrossAttention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    linear: Linear,
}

impl Unfolded {
    fn new(dim: usize, outputs: usize, params: &Params) -> Result<Self> {
        let pooler = params.pp("pooler");
        let block = pooler.pp("cross_attention_block");
        Ok(Self {
            query: pooler.get((1, 1, dim), "query_tokens", Init::Const(0.0))?,
            norm1: LayerNorm::new(dim, 1e-5, block.pp("norm1"))?,
            xattn: CrossAttention::new(dim, heads(dim), block.pp("xattn"))?,
            norm2: LayerNorm::new(dim, 1e-5, block.pp("norm2"))?,
            fc1: Linear::new(dim, 4 * dim, block.pp("mlp").pp("fc1"))?,
            fc2: Linear::new(4 * dim, dim, block.pp("mlp").pp("fc2"))?,
            linear: Linear::new(dim, outputs, params.pp("linear"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, _, dim) = x.dims3()?;
        let query = self.query.broadcast_as((batch, 1, dim))?.contiguous()?;
        let pooled = (self.xattn.forward(&query, &self.norm1.forward(x)?)? + query)?;
        let hidden = gelu(&self.fc1.forward(&self.norm2.forward(&pooled)?)?)?;
        self.linear.forward(&(&pooled + self.fc2.forward(&hidden)?)?.squeeze(1)?)
    }
}

fn snapshot(params: &Params) -> BTreeMap<String, Tensor> {
    params.named().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect()
}

/// Moves the weights far from their initial values, so that every term of the attention matters.
fn perturb(params: &Params) {
    for (name, var) in params.named() {
        let noise = Rng::new(7, &name, 0).normal(var.shape(), params.dtype(), &CPU).unwrap();
        var.set(&(var.as_tensor() + (noise * 0.3).unwrap()).unwrap()).unwrap();
    }
}

/// A head in double precision, and one batch for it.
struct Double {
    params: Params,
    head: AttentiveHead,
    /// `(3, 5, dim)`.
    tokens: Tensor,
    normalised: Tensor,
    /// `(3, 2)`.
    labels: Tensor,
}

impl Double {
    fn new(dim: usize) -> Self {
        let params = Params::new(DType::F64, &CPU, 3);
        let head = AttentiveHead::new(dim, 2, &params).unwrap();
        perturb(&params);
        let mut rng = Rng::new(4, "tokens", dim as u64);
        let tokens = rng.normal((3, 5, dim), DType::F64, &CPU).unwrap();
        let labels = rng.normal((3, 2), DType::F64, &CPU).unwrap();
        let [ones, zeros] = [1.0f64, 0.0].map(|value| Tensor::full(value, dim, &CPU).unwrap());
        let normalised = layer_norm(&tokens, &ones, &zeros, 1e-5).unwrap();
        Self { params, head, tokens, normalised, labels }
    }

    fn loss(&self) -> Tensor {
        mean_squared_error(&self.head.forward(&self.normalised).unwrap(), &self.labels).unwrap()
    }
}

#[test]
fn folding_changes_neither_predictions_nor_gradients() {
    for dim in [24, 16, 12, 7, 1] {
        let case = Double::new(dim);
        let plain_params = Params::new(DType::F64, &CPU, 0);
        let plain = Unfolded::new(dim, 2, &plain_params).unwrap();
        plain_params.load(&snapshot(&case.params)).unwrap();

        let folded = case.head.forward(&case.normalised).unwrap();
        let unfolded = plain.forward(&case.tokens).unwrap();
        let difference = largest_difference(&folded, &unfolded);
        assert!(difference < 1e-12, "dim {dim}: outputs differ by {difference:e}");

        let gradients = case.loss().backward().unwrap();
        let expected = mean_squared_error(&unfolded, &case.labels).unwrap().backward().unwrap();
        for ((name, var), (_, plain)) in case.params.named().into_iter().zip(plain_params.named()) {
            let difference = largest_difference(gradients.get(&var).unwrap(), expected.get(&plain).unwrap());
            assert!(difference < 1e-11, "dim {dim}: gradients of {name} differ by {difference:e}");
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let case = Double::new(12);
    let gradients = case.loss().backward().unwrap();
    let step = 1e-5;
    for (name, var) in case.params.named() {
        let start = var.as_tensor().copy().unwrap();
        let direction = Rng::new(9, &name, 0).normal(var.shape(), DType::F64, &CPU).unwrap();
        let at = |sign: f64| {
            var.set(&(&start + (&direction * (sign * step)).unwrap()).unwrap()).unwrap();
            case.loss().to_scalar::<f64>().unwrap()
        };
        let difference = (at(1.0) - at(-1.0)) / (2.0 * step);
        var.set(&start).unwrap();
        let slope = (gradients.get(&var).unwrap() * &direction).unwrap().sum_all().unwrap();
        let slope: f64 = slope.to_scalar().unwrap();
        assert!((slope - difference).abs() < 1e-7 * (1.0 + difference.abs()), "{name}: {slope} and {difference}");
    }
}

#[test]
fn the_head_starts_as_the_paper_s() {
    let params = Params::new(DType::F32, &CPU, 1);
    AttentiveHead::new(128, 2, &params).unwrap();
    for (name, var) in params.named() {
        let values: Vec<f32> = var.flatten_all().unwrap().to_vec1().unwrap();
        let rms = (values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32).sqrt();
        let (expected, slack) = match name.as_str() {
            // Uniform within 1 / sqrt(128).
            "linear.weight" | "linear.bias" => (1.0 / (3.0f32 * 128.0).sqrt(), 0.9),
            name if name.contains("norm") && name.ends_with("weight") => (1.0, 0.0),
            name if name.ends_with("bias") => (0.0, 0.0),
            name if name.ends_with("fc2.weight") => (0.02 / 2f32.sqrt(), 0.05),
            _ => (0.02, 0.2),
        };
        assert!((rms - expected).abs() <= slack * expected, "{name}: {rms}, expected {expected}");
    }
    // The paper's JEPA head has 445,314 with an MLP of 1536; here it is 512.
    let count: usize = params.named().iter().map(|(_, var)| var.elem_count()).sum();
    assert_eq!(count, 445_314 - (1536 - 512) * (128 + 1 + 128));
}

#[test]
fn heads_divide_the_width() {
    let expected = [(128, 8), (384, 8), (12, 6), (20, 5), (7, 7), (11, 1), (1, 1)];
    for (dim, count) in expected {
        assert_eq!(heads(dim), count, "dim {dim}");
    }
}

/// One parameter: the value in the one marked token of each window. In the mean over tokens the other values hide it.
fn marked(name: &str, seed: u64, n: usize) -> LabelledEmbeddings {
    const TOKENS: usize = 4;
    const DIM: usize = 8;
    let mut rng = Rng::new(seed, "marked", 0);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let marked = (rng.uniform() * TOKENS as f64) as usize;
        for token in 0..TOKENS {
            let value = rng.standard_normal() as f32;
            let mark = if token == marked { 3.0 } else { -3.0 };
            values.extend([mark, value, -value, 2.0, -2.0, -mark, 0.5, -0.5]);
            if token == marked {
                labels.push(value);
            }
        }
    }
    labelled(name, tokens(&values, n, TOKENS, DIM), labels)
}

fn labelled(name: &str, embeddings: Embeddings, values: Vec<f32>) -> LabelledEmbeddings {
    let trajectory = (0..embeddings.n as u32).collect();
    LabelledEmbeddings::new(name, embeddings, Labels { values, names: vec!["p".into()], trajectory }).unwrap()
}

/// Labels that are independent of the tokens, so that a probe can only overfit.
fn unrelated(name: &str, seed: u64, n: usize) -> LabelledEmbeddings {
    let mut rng = Rng::new(seed, "unrelated", 0);
    let [mut values, mut labels] = [vec![0.0; n * 3 * 8], vec![0.0; n]];
    rng.fill_normal(&mut values);
    rng.fill_normal(&mut labels);
    labelled(name, tokens(&values, n, 3, 8), labels)
}

fn error_of(predicted: &[f32], split: &LabelledEmbeddings) -> f64 {
    scores(predicted, split.labels()).unwrap().mse
}

fn short(epochs: usize) -> AttentiveConfig {
    AttentiveConfig { epochs, batch: 16, ..AttentiveConfig::default() }
}

#[test]
fn attends_to_the_marked_token() {
    let [train, valid, test] =
        [("train", 1, 512), ("valid", 2, 128), ("test", 3, 128)].map(|(name, seed, n)| marked(name, seed, n));
    let attentive = Attentive::fit(&train, &valid, &short(30), 0).unwrap();
    let attended = error_of(&attentive.predict(&test).unwrap(), &test);
    let ridge = Ridge::fit(&train, &valid, &Default::default()).unwrap();
    let pooled = error_of(&ridge.predict(&test).unwrap(), &test);
    assert!(attended < 0.05 && pooled > 0.5, "attentive {attended}, ridge on the mean token {pooled}");
}

#[test]
fn the_epoch_that_is_best_on_valid_predicts() {
    let (train, valid) = (unrelated("train", 1, 64), unrelated("valid", 2, 64));
    let attentive = Attentive::fit(&train, &valid, &short(20), 0).unwrap();
    let record = attentive.record();
    assert_eq!((record.train.len(), record.valid.len()), (20, 20));
    let lowest = record.valid.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(record.valid[record.epoch - 1], lowest);
    assert!(record.epoch < 20, "nothing was overfitted, so this test says nothing: {record:?}");
    assert_eq!(error_of(&attentive.predict(&valid).unwrap(), &valid), lowest);
}

#[test]
fn validation_selects_but_does_not_train() {
    let train = unrelated("train", 1, 64);
    let records = [2, 3].map(|seed| {
        let attentive = Attentive::fit(&train, &unrelated("valid", seed, 32), &short(5), 0).unwrap();
        attentive.record().clone()
    });
    assert_eq!(records[0].train, records[1].train);
    assert_ne!(records[0].valid, records[1].valid);
}

#[test]
fn the_seed_decides_everything() {
    let (train, valid) = (unrelated("train", 1, 70), unrelated("valid", 2, 30));
    let fit = |seed, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let attentive = pool.install(|| Attentive::fit(&train, &valid, &short(3), seed)).unwrap();
        let predicted = attentive.predict(&valid).unwrap();
        (attentive.record().clone(), predicted.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    let first = fit(5, 1);
    assert_eq!(first, fit(5, 1));
    assert_eq!(first, fit(5, 4));
    assert_ne!(first.1, fit(6, 1).1);
}

const DIGEST: &str = "digest of the predictions: ";

/// Prints a digest for the test below, which runs this one in separate processes, because candle takes the number of threads from
/// the environment, not from the current pool. The products are large enough to run on several threads.
#[test]
#[ignore = "run by processes_of_one_and_two_threads_agree"]
fn print_digest() {
    let wide = |name, seed| {
        let mut values = vec![0.0; 130 * 8 * 128];
        Rng::new(seed, "wide", 0).fill_normal(&mut values);
        let labels = values.iter().step_by(8 * 128).copied().collect();
        labelled(name, tokens(&values, 130, 8, 128), labels)
    };
    let (train, valid) = (wide("train", 1), wide("valid", 2));
    let config = AttentiveConfig { batch: 64, ..short(2) };
    let predicted = Attentive::fit(&train, &valid, &config, 0).unwrap().predict(&valid).unwrap();
    let digest = predicted.iter().fold(0u64, |digest, value| {
        digest.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(value.to_bits())
    });
    println!("{DIGEST}{digest:016x}");
}

#[test]
fn processes_of_one_and_two_threads_agree() {
    let digests = ["1", "2"].map(|threads| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "tests::attentive::print_digest", "--nocapture"])
            .envs([("RAYON_NUM_THREADS", threads), ("CANDLE_NUM_THREADS", threads)])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.split(DIGEST).nth(1));
        line.unwrap_or_else(|| panic!("no digest in {text}")).to_string()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_prediction_does_not_depend_on_the_other_windows() {
    let (train, valid) = (unrelated("train", 1, 40), unrelated("valid", 2, 20));
    let attentive = Attentive::fit(&train, &valid, &short(2), 0).unwrap();
    let test = unrelated("test", 3, 20);
    let together = attentive.predict(&test).unwrap();
    let mut others = test.embeddings().clone();
    others.values[24..].iter_mut().for_each(|value| *value = 100.0 - *value);
    let others = labelled("test", others, vec![9.0; 20]);
    assert_eq!(together[0], attentive.predict(&others).unwrap()[0]);
}

#[test]
fn collapsed_tokens_are_probed_like_any_others() {
    let constant = |name| labelled(name, tokens(&[0.25; 20 * 2 * 8], 20, 2, 8), [1.0, -1.0].repeat(10));
    let attentive = Attentive::fit(&constant("train"), &constant("valid"), &short(30), 0).unwrap();
    let test = constant("test");
    let error = error_of(&attentive.predict(&test).unwrap(), &test);
    assert!((error - 1.0).abs() < 0.05, "one token for all windows allows the mean only, not {error}");
}

#[test]
fn a_diverging_training_is_an_error() {
    let (train, valid) = (unrelated("train", 1, 40), unrelated("valid", 2, 20));
    let config = AttentiveConfig { learning_rate: 1e30, ..short(3) };
    let error = Attentive::fit(&train, &valid, &config, 0).err().unwrap();
    assert!(matches!(error, Error::Diverged { epoch: 1, .. }), "{error}");
    assert!(error.to_string().contains("attentive.learning_rate"), "{error}");
}

#[test]
fn settings_outside_their_range_are_refused() {
    let train = unrelated("train", 1, 4);
    let refused = [
        (short(0), "attentive.epochs"),
        (AttentiveConfig { batch: 0, ..short(1) }, "attentive.batch"),
        (AttentiveConfig { learning_rate: 0.0, ..short(1) }, "attentive.learning_rate"),
        (AttentiveConfig { learning_rate: f64::NAN, ..short(1) }, "attentive.learning_rate"),
        (AttentiveConfig { weight_decay: -1.0, ..short(1) }, "attentive.weight_decay"),
    ];
    for (config, setting) in refused {
        let error = Attentive::fit(&train, &train, &config, 0).err().unwrap().to_string();
        assert!(error.contains(setting), "{error}");
    }
}
