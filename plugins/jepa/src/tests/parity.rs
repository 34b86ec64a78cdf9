//! The networks against the paper's code, run in PyTorch: embeddings, loss terms, gradients of all parameters, parameters
//! after optimizer steps. The reference vectors are read from the folder PHYSREP_REFERENCE_VECTORS.

use std::collections::HashMap;
use std::path::PathBuf;

use physrep_plugin_api::{
    DType, Device, Params, Tensor, candle_core,
    nn::{AdamW, AdamWConfig, ConvNextEncoder, VicReg, VicRegConfig, vicreg},
};

use crate::{config::Config, model::Model};

fn reference(file: &str) -> Option<HashMap<String, Tensor>> {
    let Some(folder) = std::env::var_os("PHYSREP_REFERENCE_VECTORS") else {
        println!("PHYSREP_REFERENCE_VECTORS is not set: {file} not compared");
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu);
    Some(tensors.unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The type that the vectors were computed in, and one in which only their own round-off remains.
const TYPES: [DType; 2] = [DType::F32, DType::F64];

fn params(dtype: DType) -> Params {
    Params::new(dtype, &Device::Cpu, 0)
}

fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    flat.to_vec1().unwrap()
}

/// Compares to `tolerance` times the largest value of `expected`.
#[track_caller]
fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(got.dims(), expected.dims(), "{what}");
    let (got, expected) = (values(got), values(expected));
    let bound = tolerance * expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    for (got, expected) in got.into_iter().zip(expected) {
        let close = (got - expected).abs() <= bound;
        assert!(close, "{what}: {got} for {expected}, allowed {bound:e}");
    }
}

/// Compares parameters to `tolerance` times the largest. Adam divides a gradient by its own size: where that
/// is at most 1e-4 of the largest, part of the movement is round-off, and the bound is 3e-4.
#[track_caller]
fn assert_moved_alike(got: &Tensor, expected: &Tensor, first_gradient: &Tensor, tolerance: f64, what: &str) {
    let largest = |v: &[f64]| v.iter().fold(0f64, |m, v| m.max(v.abs()));
    let gradient = values(first_gradient);
    let (got, expected) = (values(got), values(expected));
    let (largest_gradient, scale) = (largest(&gradient), largest(&expected));
    for ((got, expected), gradient) in got.into_iter().zip(expected).zip(gradient) {
        let bound = if gradient.abs() > 1e-4 * largest_gradient { tolerance * scale } else { 3e-4 * scale };
        let error = (got - expected).abs();
        assert!(error <= bound, "{what}: {got} for {expected}, gradient {gradient:e}, error {error:e}");
    }
}

/// `(B, H, W, D)` to PyTorch's `(B, D, H, W)`.
fn channels_first(embedding: &Tensor) -> Tensor {
    embedding.permute([0, 3, 1, 2]).unwrap()
}

struct Tiny {
    params: Params,
    model: Model,
    io: HashMap<String, Tensor>,
}

impl Tiny {
    fn load(dtype: DType) -> Option<Self> {
        let mut io = reference("jepa_tiny_gamma_io.safetensors")?;
        for tensor in io.values_mut() {
            *tensor = tensor.to_dtype(dtype).unwrap();
        }
        let params = params(dtype);
        let (dims, num_res_blocks) = (vec![4, 6, 8, 10, 12], vec![2, 1, 1, 2, 1]);
        let config = Config { dims, num_res_blocks, ..Config::default() };
        let model = Model::new(&config, 3, 16, &params).unwrap();
        let encoder = reference("jepa_tiny_gamma_ConvEncoder.safetensors")?;
        let predictor = reference("jepa_tiny_gamma_ConvPredictor.safetensors")?;
        params.pp("encoder").load(&encoder).unwrap();
        params.pp("predictor").load(&predictor).unwrap();
        Some(Self { params, model, io })
    }

    fn loss(&self) -> VicReg {
        let (context, target) = (&self.io["context"], &self.io["target"]);
        let [prediction, target] = self.model.predict(&Tensor::cat(&[context, target], 0).unwrap()).unwrap();
        let in_order: Vec<u32> = (0..target.dim(0).unwrap() as u32).collect();
        vicreg(&prediction, &target, &in_order, &VicRegConfig::default()).unwrap()
    }
}

#[test]
fn embeddings_of_sixteen_frames() {
    let Some(Tiny { model, io, .. }) = Tiny::load(DType::F32) else {
        return;
    };
    let embedding = model.encode(&io["context"]).unwrap();
    assert_close(&channels_first(&embedding), &io["ctx_embed"], 1e-5, "context");
    let embedding = model.encode(&io["target"]).unwrap();
    assert_close(&channels_first(&embedding), &io["tgt_embed"], 1e-5, "target");
}

#[test]
fn embeddings_of_four_frames() {
    let Some(io) = reference("enc4f_io.safetensors") else {
        return;
    };
    let params = params(DType::F32);
    let encoder = ConvNextEncoder::new(2, &[8, 12, 16, 20], &[1, 1, 1, 1], 4, 1e-6, params.clone()).unwrap();
    params.load(&reference("enc4f_ConvEncoder.safetensors").unwrap()).unwrap();
    let embedding = encoder.forward(&io["input"]).unwrap();
    assert_close(&channels_first(&embedding), &io["output"], 1e-5, "embedding");
}

#[test]
fn loss_terms() {
    let Some(tiny) = Tiny::load(DType::F32) else {
        return;
    };
    let VicReg { total, invariance, variance: [vx, vy], covariance: [cx, cy] } = tiny.loss();
    for (what, got, expected) in [
        ("total", total, 31.271188735961914),
        ("repr_loss", invariance, 0.48799818754196167),
        ("std_loss_x", vx, 0.44548875093460083),
        ("std_loss_y", vy, 0.288853257894516),
        ("cov_loss_x", cx, 0.002045202534645796),
        ("cov_loss_y", cy, 0.45871132612228394),
    ] {
        let got = values(&got)[0];
        assert!((got - expected).abs() <= 1e-5 * expected, "{what}: {got} for {expected}");
    }
}

/// The fast convolution has a few times the round-off of PyTorch's direct one: hence the wider bound in f32.
#[test]
fn gradients_of_all_parameters() {
    for (dtype, tolerance) in TYPES.into_iter().zip([5e-5, 1e-5]) {
        let Some(tiny) = Tiny::load(dtype) else {
            return;
        };
        let expected = reference("jepa_tiny_gamma_grads.safetensors").unwrap();
        let gradients = tiny.loss().total.backward().unwrap();
        let named = tiny.params.named();
        assert_eq!(named.len(), expected.len());
        for (name, var) in named {
            assert_close(gradients.get(&var).unwrap(), &expected[&name], tolerance, &name);
        }
    }
}

#[test]
fn parameters_after_optimizer_steps() {
    for (dtype, tolerance) in TYPES.into_iter().zip([3e-5, 1e-5]) {
        let Some(tiny) = Tiny::load(dtype) else {
            return;
        };
        let gradients = reference("jepa_tiny_gamma_grads.safetensors").unwrap();
        let config = AdamWConfig { beta1: 0.9, beta2: 0.95, weight_decay: 0.05, ..AdamWConfig::default() };
        let mut optimizer = AdamW::new(tiny.params.named(), config).unwrap();
        for (step, (lr, expected)) in [
            (1e-3, 31.271188735961914),
            (5e-4, 29.548629760742188),
            (2.5e-4, 28.76922035217285),
            (1e-4, 28.388599395751953),
        ]
        .into_iter()
        .enumerate()
        {
            let loss = tiny.loss().total;
            let got = values(&loss)[0];
            assert!((got - expected).abs() < 1e-4 * expected, "step {step}: loss {got} for {expected}");
            optimizer.step(&loss.backward().unwrap(), lr).unwrap();
            let file = format!("jepa_tiny_gamma_after_step{}.safetensors", step + 1);
            if step == 0 || step == 3 {
                let expected = reference(&file).unwrap();
                for (name, var) in tiny.params.named() {
                    assert_moved_alike(&var, &expected[&name], &gradients[&name], tolerance, &name);
                }
            }
        }
    }
}

#[test]
fn sizes_of_the_paper() {
    let count = |params: Params| -> usize { params.named().iter().map(|(_, var)| var.elem_count()).sum() };
    for (channels, expected) in [(11, 2_468_720), (4, 2_466_928)] {
        let params = params(DType::F32);
        Model::new(&Config::default(), channels, 16, &params).unwrap();
        assert_eq!(count(params.pp("encoder")), expected);
        assert_eq!(count(params.pp("predictor")), 801_664);
    }
}

#[test]
fn bad_input_is_refused_with_a_reason() {
    let refuse = |dims: &[usize], frames, reason: &str| {
        let error = ConvNextEncoder::new(2, dims, &[1; 5], frames, 1e-6, params(DType::F32)).err().unwrap();
        assert!(error.to_string().contains(reason), "{error}");
    };
    refuse(&[4; 5], 8, "16 or 4 frames, not 8");
    refuse(&[4; 4], 16, "5 stages");
    refuse(&[4; 5], 4, "4 stages");
    refuse(&[4, 4, 0, 4, 4], 16, "needs channels");
    let encoder = ConvNextEncoder::new(2, &[4; 5], &[1; 5], 16, 1e-6, params(DType::F32)).unwrap();
    for shape in [(1, 3, 16, 16, 16), (1, 2, 15, 16, 16), (1, 2, 16, 15, 16)] {
        let clips = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let error = encoder.forward(&clips).unwrap_err().to_string();
        assert!(error.contains("expected clips (B, 2, 16, H, W)"), "{error}");
    }
}
