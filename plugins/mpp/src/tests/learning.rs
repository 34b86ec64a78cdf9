//! The objective: its units, its gradients, its determinism, and that training reduces it.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use physrep_plugin_api::{
    BoundaryCondition::{Periodic, Wall},
    candle_core::{DType, Device, Tensor},
    nn::{AdamW, AdamWConfig, Params, Rng},
};

use super::support::{model, normal, setup, small, system, values};
use crate::{
    config::Config,
    model::{Model, normalised_error},
};

#[test]
fn the_error_is_in_units_of_the_target() {
    let target = normal((2, 3, 4, 5), 1);
    let loss = |prediction: &Tensor, target: &Tensor| values(&normalised_error(prediction, target).unwrap())[0];
    assert_eq!(loss(&target, &target), 0.0);
    assert!((loss(&target.zeros_like().unwrap(), &target) - 1.0).abs() < 1e-6);
    assert!((loss(&(&target * 1.5).unwrap(), &target) - 0.25).abs() < 1e-6);
    assert!((loss(&(&target * 150.0).unwrap(), &(&target * 100.0).unwrap()) - 0.25).abs() < 1e-6);
}

/// Two systems of different sizes and boundary conditions share one field. The optimizer refuses a step in which a
/// parameter has no gradient, so a batch of either system must give every parameter one.
#[test]
fn a_gradient_reaches_every_parameter_from_every_system() {
    let systems = vec![
        system(&["tracer", "pressure"], [16, 24], [Periodic, Wall]),
        system(&["pressure", "velocity_x", "velocity_y"], [32, 16], [Wall; 2]),
    ];
    let (model, params) = model(&small(), &setup(systems, 3));
    let mut reached: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (system, channels, h, w) in [(0, 2, 16, 24), (1, 3, 32, 16)] {
        let history = normal((2, channels, 3, h, w), 1);
        let next = normal((2, channels, h, w), 2);
        let loss = model.loss(&history, &next, system, &mut Rng::new(0, "drop", 0)).unwrap();
        let gradients = loss.backward().unwrap();
        for (name, var) in params.named() {
            let gradient = gradients.get(&var).unwrap_or_else(|| panic!("system {system}: {name} has no gradient"));
            let gradient: Vec<f64> = values(gradient).iter().map(|g| g.abs()).collect();
            let largest = gradient.iter().copied().fold(0.0, f64::max);
            // Softmax is invariant to a common shift of all keys.
            assert!(largest > 1e-12 || name.ends_with("knorm.bias"), "system {system}: {name} gets {largest}");
            let sum = reached.entry(name).or_insert_with(|| vec![0.0; gradient.len()]);
            sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
        }
    }
    // Every field's column has a gradient from one of the systems.
    for name in ["encoder.space_bag.weight", "decoder.out_kernel", "decoder.out_bias"] {
        assert!(reached[name].iter().all(|g| *g > 0.0), "{name}");
    }
}

/// Patterns of eight plane waves that travel together, `(B, 1, T, 16, 16)`, by up to two points per frame along either axis.
fn waves(batch: usize, frames: usize, index: u64) -> Tensor {
    let mut rng = Rng::new(1, "waves", index);
    let mut values = Vec::new();
    for _ in 0..batch {
        let velocity = [0, 1].map(|_| 4.0 * rng.uniform() - 2.0);
        let modes: Vec<[f64; 3]> = (0..8).map(|_| [5, 5, 16].map(|n| (f64::from(n) * rng.uniform()).floor())).collect();
        for (t, y, x) in (0..frames * 256).map(|i| (i / 256, i / 16 % 16, i % 16)) {
            let (y, x) = (y as f64 - velocity[0] * t as f64, x as f64 - velocity[1] * t as f64);
            let wave = |[ky, kx, phase]: &[f64; 3]| (((ky - 2.0) * y + (kx - 2.0) * x + phase) * TAU / 16.0).sin();
            values.push(modes.iter().map(wave).sum::<f64>() as f32);
        }
    }
    Tensor::from_vec(values, (batch, 1, frames, 16, 16), &Device::Cpu).unwrap()
}

fn trained(config: &Config, steps: u64) -> (Model, Vec<f32>) {
    let setup = setup(vec![system(&["height"], [16, 16], [Periodic; 2])], 4);
    let params = Params::new(DType::F32, &Device::Cpu, 5);
    let model = Model::new(config, &setup, &params).unwrap();
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    let mut losses = Vec::new();
    for step in 0..steps {
        let clips = waves(8, 5, step);
        let (history, next) = (clips.narrow(2, 0, 4).unwrap(), clips.get_on_dim(2, 4).unwrap());
        let loss = model.loss(&history, &next, 0, &mut Rng::new(0, "drop", step)).unwrap();
        optimizer.step(&loss.backward().unwrap(), 3e-3).unwrap();
        losses.push(loss.to_scalar().unwrap());
    }
    (model, losses)
}

#[test]
fn travelling_waves_are_predicted_better_than_by_their_last_frame() {
    let config = Config { dim: Some(32), patch: Some(4), layer_scale: 0.1, ..small() };
    let (model, _) = trained(&config, 400);
    let clips = waves(64, 5, 1 << 40);
    let (history, next) = (clips.narrow(2, 0, 4).unwrap(), clips.get_on_dim(2, 4).unwrap());
    let error = |prediction: &Tensor| values(&normalised_error(prediction, &next).unwrap())[0];
    let (learned, last) = (
        error(&model.predict(&history, 0, None).unwrap()),
        error(&clips.get_on_dim(2, 3).unwrap().contiguous().unwrap()),
    );
    println!("error {learned}, {last} for the last frame");
    assert!(learned < 0.5 * last, "error {learned}, {last} for the last frame");
}

#[test]
fn the_same_seed_gives_the_same_losses_and_skipped_branches_change_them() {
    let config = Config { patch: Some(4), drop_path: 0.5, ..small() };
    assert_eq!(trained(&config, 3).1, trained(&config, 3).1);
    let whole = Config { drop_path: 0.0, ..config.clone() };
    assert_ne!(trained(&config, 3).1, trained(&whole, 3).1);
}
