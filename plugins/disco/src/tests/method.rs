//! The method: gradients, training, invariance, and which configurations are refused.

use physrep_plugin_api::{
    Batch, BoundaryCondition, Channel, Geometry, Method, Setup,
    candle_core::{DType, Device, Tensor},
    nn::{AdamW, AdamWConfig, Params, Rng},
};

use super::{distance, normal, values};
use crate::{Disco, config::Config, integrator::IntegratorConfig};

const SIDE: usize = 16;
const FRAMES: usize = 6;

fn setup(boundaries: [BoundaryCondition; 2], size: [usize; 2]) -> Setup {
    let channel = |name: &str| Channel { field: name.into(), name: name.into(), rank: 0, component: [0; 2] };
    let system = Geometry {
        channels: vec![channel("tracer"), channel("pressure")],
        coordinates: size.map(|len| (0..len).map(|i| i as f64 / len as f64).collect()),
        boundaries,
        time_step: 0.1,
    };
    Setup {
        systems: vec![system],
        context_frames: FRAMES,
        future_frames: 2,
        batch_size: 4,
        pretrain_steps: 10,
        device: Device::Cpu,
        seed: 0,
        scratch_dir: std::env::temp_dir(),
    }
}

fn config() -> Config {
    Config {
        dim: 24,
        depth: 1,
        heads: 2,
        layer_scale: 0.1,
        generator_dim: 32,
        integrator: IntegratorConfig { rtol: 1e-2, atol: 1e-2, min_step: 0.5 },
        ..Config::default()
    }
}

fn method(config: &Config, setup: &Setup, seed: u64) -> (Disco, Params) {
    let params = Params::new(DType::F32, &Device::Cpu, seed);
    (Disco::new(config, setup, &params).unwrap(), params)
}

/// Clips `(B, 2, T, 16, 16)` of waves that travel, in some clips to the left and in others to the right.
fn waves(batch: usize, seed: u64) -> Tensor {
    let mut rng = Rng::new(seed, "waves", 0);
    let mut values = Vec::new();
    for _ in 0..batch {
        let velocity = [0.5, if rng.uniform() < 0.5 { -1.0 } else { 1.0 }];
        for _ in 0..2 {
            let modes: Vec<[f64; 4]> = (0..4)
                .map(|_| [1.0 + (2.0 * rng.uniform()).floor(), (3.0 * rng.uniform()).floor() - 1.0, rng.uniform(), 1.0])
                .collect();
            for i in 0..FRAMES * SIDE * SIDE {
                let (t, y, x) = (i / SIDE / SIDE, i / SIDE % SIDE, i % SIDE);
                let at = |p: usize, axis: usize| (p as f64 - velocity[axis] * t as f64) / SIDE as f64;
                let wave = |[ky, kx, phase, size]: &[f64; 4]| {
                    size * (std::f64::consts::TAU * (ky * at(y, 0) + kx * at(x, 1) + phase)).cos()
                };
                values.push(modes.iter().map(wave).sum::<f64>() as f32);
            }
        }
    }
    Tensor::from_vec(values, (batch, 2, FRAMES, SIDE, SIDE), &Device::Cpu).unwrap()
}

fn objective(method: &Disco, clips: &Tensor) -> Tensor {
    let frames = clips.dim(2).unwrap();
    let context = clips.narrow(2, 0, frames - 1).unwrap();
    method.model.objective(&context, &clips.narrow(2, frames - 1, 1).unwrap().squeeze(2).unwrap()).unwrap().loss
}

#[test]
fn a_gradient_reaches_every_parameter() {
    for (boundaries, patch) in
        [([BoundaryCondition::Periodic; 2], 4), ([BoundaryCondition::Periodic, BoundaryCondition::Wall], 8)]
    {
        let (method, params) = method(&Config { patch, ..config() }, &setup(boundaries, [SIDE; 2]), 0);
        let gradients = objective(&method, &waves(2, 1)).backward().unwrap();
        let named = params.named();
        assert!(named.len() > 60);
        for (name, var) in named {
            let gradient = gradients.get(&var).unwrap_or_else(|| panic!("{name} has no gradient"));
            let largest = values(gradient).iter().fold(0f64, |m, v| m.max(v.abs()));
            assert!(largest > 0.0 && largest.is_finite(), "{name}: the largest of its gradient is {largest}");
        }
    }
}

#[test]
fn learns_to_advect() {
    let (method, params) = method(&config(), &setup([BoundaryCondition::Periodic; 2], [SIDE; 2]), 0);
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    for step in 0..150 {
        let loss = objective(&method, &waves(8, step));
        optimizer.step(&loss.backward().unwrap(), 3e-3).unwrap();
    }
    let test = waves(32, 1_000_000);
    let learned = values(&objective(&method, &test))[0];
    // The score of predicting no change.
    let [last, next] = [FRAMES - 2, FRAMES - 1].map(|t| test.narrow(2, t, 1).unwrap());
    let mean = next.mean_keepdim((3, 4)).unwrap();
    let variance = next.broadcast_sub(&mean).unwrap().sqr().unwrap().mean_keepdim((3, 4)).unwrap();
    let error = (next - last).unwrap().sqr().unwrap().broadcast_div(&variance).unwrap();
    let unchanged = 0.5 * values(&error.mean_all().unwrap())[0];
    println!("learned {learned:.4}, no change {unchanged:.4}");
    assert!(learned < 0.5 * unchanged, "{learned} after training, {unchanged} for no change");
}

#[test]
fn the_same_seed_gives_the_same_tokens() {
    let run = |seed| {
        let (method, params) = method(&config(), &setup([BoundaryCondition::Periodic; 2], [SIDE; 2]), seed);
        let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
        for step in 0..3 {
            optimizer.step(&objective(&method, &waves(4, step)).backward().unwrap(), 1e-3).unwrap();
        }
        values(&method.encode(&Batch { clips: waves(2, 9), system: 0 }).unwrap())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_clip_is_one_token_whatever_its_units() {
    let (method, _) = method(&config(), &setup([BoundaryCondition::Periodic; 2], [SIDE; 2]), 0);
    let clips = waves(3, 1);
    let encode = |clips: Tensor| method.encode(&Batch { clips, system: 0 }).unwrap();
    let tokens = encode(clips.clone());
    assert_eq!(tokens.dims(), [3, 1, 24]);
    assert!(distance(&tokens, &encode(clips.affine(7.0, 3.0).unwrap())) < 1e-3);
    assert!(distance(&tokens, &encode(normal((3, 2, FRAMES, SIDE, SIDE), 5, DType::F32))) > 1e-2);
}

#[test]
fn the_default_is_the_paper_s() {
    let params = Params::new(DType::F32, &Device::Cpu, 0);
    // The generator of the published width has 122 million parameters; the heads scale with its width.
    let config = Config { generator_dim: 8, ..Config::default() };
    Disco::new(&config, &setup([BoundaryCondition::Periodic; 2], [64, 128]), &params).unwrap();
    let weights: usize = params.pp("generator.heads").named().iter().map(|(_, var)| var.elem_count()).sum();
    // Two channels are two 3x3 kernels of eight fewer, in and out, than the four of 158,624.
    assert_eq!(weights, (158_624 - 2 * 2 * 72) * (8 + 1));
    let blocks = params.pp("encoder.blocks").named().len();
    assert_eq!(blocks % 12, 0);
    let token = params.pp("encoder.patches.2").named();
    assert!(token.iter().any(|(name, var)| name == "weight" && var.dims() == [384, 96, 2, 2]), "{token:?}");
}

#[test]
fn configurations_that_cannot_work_are_refused_with_a_reason() {
    let refuse = |config: Config, size: [usize; 2], reason: &str| {
        let params = Params::new(DType::F32, &Device::Cpu, 0);
        let error =
            Disco::new(&config, &setup([BoundaryCondition::Periodic; 2], size), &params).err().unwrap().to_string();
        assert!(error.contains(reason), "{error}");
    };
    let size = [SIDE; 2];
    refuse(Config { heads: 5, ..config() }, size, "`heads` (=5) must divide `dim` (=24)");
    refuse(Config { dim: 30, ..config() }, size, "`dim` (=30) must be a multiple of 4");
    refuse(Config { patch: 5, ..config() }, size, "`patch` (=5) must be 16, 8 or 4");
    refuse(Config { patch: 16, ..config() }, [16, 24], "`patch` (=16) must divide both sides");
    refuse(config(), [30, 32], "no patch fits a grid of 30x32");
    refuse(Config { levels: 4, ..config() }, size, "`levels` (=4): a grid of 16x16");
    refuse(Config { levels: 70, ..config() }, size, "`levels` (=70): a grid of 16x16");
    refuse(Config { start_channels: 6, ..config() }, size, "`start_channels` (=6)");
    refuse(Config { generator_dim: 0, ..config() }, size, "`generator_dim` (=0)");
    let integrator = IntegratorConfig { min_step: 2.0, ..IntegratorConfig::default() };
    refuse(Config { integrator, ..config() }, size, "`min_step` (=2)");

    let params = Params::new(DType::F32, &Device::Cpu, 0);
    let mut two = setup([BoundaryCondition::Periodic; 2], size);
    two.systems.push(two.systems[0].clone());
    let error = Disco::new(&config(), &two, &params).err().unwrap().to_string();
    assert!(error.contains("one system at a time"), "{error}");
    let mut without_future = setup([BoundaryCondition::Periodic; 2], size);
    without_future.future_frames = 0;
    let error = Disco::new(&config(), &without_future, &params).err().unwrap().to_string();
    assert!(error.contains("without a future"), "{error}");
}
