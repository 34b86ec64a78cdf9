//! The networks' sizes, the loss, and that training reduces it.

use physrep_plugin_api::{
    DType, Device, Params, Tensor,
    candle_core::D,
    nn::{AdamW, AdamWConfig, Rng},
};

use crate::{config::Config, model::Model};

fn config() -> Config {
    Config {
        dims: vec![4, 6, 8, 10, 12],
        num_res_blocks: vec![0, 1, 1, 1, 1],
        decoder_blocks: vec![1, 1, 1, 0],
        layer_scale: 0.1,
        ..Config::default()
    }
}

fn value(tensor: &Tensor) -> f64 {
    tensor.to_dtype(DType::F64).unwrap().to_scalar().unwrap()
}

/// Waves of random direction and phase, `(B, 2, 16, 32, 32)`.
fn waves(batch: usize, seed: u64) -> Tensor {
    let mut rng = Rng::new(seed, "waves", 0);
    let mut values = Vec::new();
    for _ in 0..batch * 2 {
        let [kx, ky, speed, phase] = [0; 4].map(|_| rng.uniform());
        for (t, i, j) in (0..16).flat_map(|t| (0..32).flat_map(move |i| (0..32).map(move |j| (t, i, j)))) {
            let [t, i, j] = [t, i, j].map(f64::from);
            values.push((0.5 * kx * i + 0.5 * ky * j + 0.3 * speed * t + 6.3 * phase).sin() as f32);
        }
    }
    Tensor::from_vec(values, (batch, 2, 16, 32, 32), &Device::Cpu).unwrap()
}

/// With the decoder's last layer at zero, the reconstruction is zero: the error is the clips' mean absolute value.
#[test]
fn the_loss_is_the_mean_absolute_error() {
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    let model = Model::new(&config(), 2, 16, &params).unwrap();
    for (_, var) in params.pp("decoder.final_conv").named() {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    let clips = waves(2, 1);
    let expected = value(&clips.abs().unwrap().mean_all().unwrap());
    assert!((value(&model.loss(&clips).unwrap()) - expected).abs() < 1e-5);
}

#[test]
fn gradients_reach_every_parameter() {
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    let model = Model::new(&config(), 2, 16, &params).unwrap();
    let gradients = model.loss(&waves(2, 1)).unwrap().backward().unwrap();
    for (name, var) in params.named() {
        let gradient = gradients.get(&var).unwrap_or_else(|| panic!("{name} has no gradient"));
        assert!(value(&gradient.abs().unwrap().flatten_all().unwrap().max(D::Minus1).unwrap()) > 0.0, "{name}");
    }
}

#[test]
fn it_learns_to_reconstruct_waves() {
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    let model = Model::new(&config(), 2, 16, &params).unwrap();
    let mut optimizer = AdamW::new(params.trained(), AdamWConfig::default()).unwrap();
    let unseen = waves(8, 1000);
    let nothing = value(&unseen.abs().unwrap().mean_all().unwrap());
    for step in 0..150 {
        optimizer.step(&model.loss(&waves(4, step)).unwrap().backward().unwrap(), 5e-3).unwrap();
    }
    let error = value(&model.loss(&unseen).unwrap());
    assert!(error < 0.75 * nothing, "{error} on unseen waves, {nothing} for a reconstruction of zero");
}

/// The encoder has the parameters of the paper's JEPA; the decoder those of the reference.
#[test]
fn sizes_are_those_of_the_paper() {
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    Model::new(&Config::default(), 11, 16, &params).unwrap();
    let count = |part: &str| params.pp(part).named().iter().map(|(_, var)| var.elem_count()).sum::<usize>();
    assert_eq!(count("encoder"), 2_468_720);
    // A block of C channels has 343 C + C + 2 C + (4 C C + 4 C) + (4 C C + C) + C elements; a stage ends with 2 C of the norm
    // and 8 C C' + C' of the transposed convolution; the last layer has 16 * 11 + 11.
    let block = |c: usize| 352 * c + 8 * c * c;
    let grow = |from: usize, to: usize| 2 * from + 8 * from * to + to;
    let stages = 3 * block(128) + grow(128, 128) + 9 * block(128) + grow(128, 64) + 3 * block(64) + grow(64, 32);
    assert_eq!(count("decoder"), stages + 3 * block(32) + grow(32, 16) + 16 * 11 + 11);
}

#[test]
fn a_decoder_that_does_not_fit_is_refused() {
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    let config = Config { decoder_blocks: vec![1; 5], ..config() };
    let error = Model::new(&config, 2, 16, &params).err().unwrap().to_string();
    assert!(error.contains("4 stages"), "{error}");
}
