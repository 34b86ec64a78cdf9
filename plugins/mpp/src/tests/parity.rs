//! The network against the published code (PolymathicAI/multiple_physics_pretraining), run once in PyTorch in f64.
//!
//! Weights and inputs are sines of their index, so only the values below had to be stored. Both axes have walls: the published
//! code wraps the distances of periodic axes differently (see the README).

use physrep_plugin_api::{
    BoundaryCondition::Wall,
    candle_core::{DType, Device, Tensor},
    nn::Params,
};

use super::support::{setup, system, values};
use crate::{
    config::Config,
    model::{Model, normalised_error},
};

const TOKENS: [f64; 12] = [
    109.4141082611993,
    22.288009259238773,
    38.03824165261195,
    -93.0583001932262,
    6.000488746168149,
    123.41466709961509,
    -87.7017484786517,
    -15.021978140959135,
    54.91474438033053,
    -35.30824882570716,
    46.53140424070563,
    74.31150588904579,
];
const FRAME: [f64; 12] = [
    -0.0828050684124769,
    -3.173408677458809,
    0.7691502546583867,
    0.12903086959484858,
    -2.950238311850621,
    0.2112657993472361,
    0.3260151401101777,
    0.0899592988460381,
    -3.1826754043310923,
    0.29870862359431904,
    0.23562720456928535,
    -2.8956794051249752,
];
const LOSS: f64 = 6.950758283843026;
/// Euclidean norms of the gradients of some parameters.
const GRADIENTS: [(&str, f64); 14] = [
    ("encoder.space_bag.weight", 4.048814231827622),
    ("encoder.space_bag.bias", 2.112626883247693),
    ("encoder.embed.in_proj.0.weight", 54.90929190474693),
    ("encoder.embed.in_proj.6.weight", 11.334203240972698),
    ("encoder.blocks.0.temporal.rel_pos_bias.relative_attention_bias.weight", 0.0517835910430074),
    ("encoder.blocks.0.spatial.rel_pos_bias.relative_attention_bias.weight", 0.024660746136687),
    ("encoder.blocks.1.spatial.gamma_mlp", 0.018157266296766096),
    ("encoder.blocks.1.temporal.gamma", 0.1394349378076078),
    ("encoder.blocks.0.spatial.mlp.fc1.weight", 37.11925588283887),
    ("encoder.blocks.0.spatial.qnorm.weight", 0.0016432356076319938),
    ("encoder.blocks.0.temporal.norm1.bias", 0.04936047594927421),
    ("decoder.out_kernel", 0.48440318933535503),
    ("decoder.out_bias", 1.603257613252442),
    ("decoder.out_proj.0.weight", 0.1259783691398757),
];

/// The values of the parameter `name`.
fn filling(name: &str, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let phase = name.bytes().enumerate().map(|(i, byte)| (i + 1) * byte as usize).sum::<usize>() % 97;
    let parts: Vec<&str> = name.split('.').collect();
    let is_norm = parts.len() > 1
        && name.ends_with("weight")
        && ["1", "4", "7", "norm1", "norm2", "qnorm", "knorm", "mlp_norm"].contains(&parts[parts.len() - 2]);
    let per_output = count / shape[0];
    let (shift, scale) = match name {
        _ if is_norm => (1.0, 0.3),
        _ if name.contains("gamma") => (0.5, 0.3),
        _ if name.contains("relative_attention_bias") => (0.0, 1.0),
        _ if name.ends_with("bias") => (0.0, 0.2),
        _ => (0.0, (3.0 / per_output as f64).sqrt()),
    };
    let values: Vec<f64> = (0..count).map(|i| shift + scale * (0.7 * i as f64 + phase as f64).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Twelve elements spread over a tensor.
fn some(tensor: &Tensor) -> Vec<f64> {
    let all = values(tensor);
    (0..12).map(|i| all[i * 7919 % all.len()]).collect()
}

#[track_caller]
fn assert_close(got: &[f64], expected: &[f64], what: &str) {
    let scale = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-8 * scale, "{what}: {got} for {expected}");
    }
}

#[test]
fn tokens_frame_loss_and_gradients_are_the_published_code_s() {
    let systems =
        vec![system(&["a", "b", "c", "d", "e"], [32, 48], [Wall; 2]), system(&["d", "a", "e"], [32, 48], [Wall; 2])];
    let config = Config { dim: Some(24), heads: Some(3), depth: Some(2), patch: Some(16), ..Config::default() };
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let model = Model::new(&config, &setup(systems, 4), &params).unwrap();
    assert_eq!(params.named().len(), 78);
    for (name, var) in params.named() {
        var.set(&filling(&name, var.dims())).unwrap();
    }

    let units = [(1.0, 0.0), (2.0, 1.0), (0.5, -3.0)];
    let history = (0..2 * 3 * 4 * 32 * 48).map(|i| {
        let (scale, shift) = units[i / (4 * 32 * 48) % 3];
        scale * ((0.37 * i as f64).sin() + 0.5 * (0.0113 * i as f64 + 1.0).sin()) + shift
    });
    let history = Tensor::from_vec(history.collect::<Vec<_>>(), (2, 3, 4, 32, 48), &Device::Cpu).unwrap();
    let next = (0..2 * 3 * 32 * 48).map(|i| (0.21 * i as f64).cos() + 0.3);
    let next = Tensor::from_vec(next.collect::<Vec<_>>(), (2, 3, 32, 48), &Device::Cpu).unwrap();

    assert_close(&some(&model.encode(&history, 1).unwrap()), &TOKENS, "tokens");
    let frame = model.predict(&history, 1, None).unwrap();
    assert_close(&some(&frame), &FRAME, "frame");
    let loss = normalised_error(&frame, &next).unwrap();
    assert_close(&values(&loss), &[LOSS], "loss");
    let gradients = loss.backward().unwrap();
    let named = params.named();
    for (name, expected) in GRADIENTS {
        let (_, var) = named.iter().find(|(known, _)| known == name).unwrap();
        let norm = values(gradients.get(var).unwrap()).iter().map(|g| g * g).sum::<f64>().sqrt();
        assert_close(&[norm], &[expected], name);
    }
}
