//! The masked autoencoder: what the encoder sees, gradients, and training.

use physrep_plugin_api::{
    candle_core::{DType, Device, Tensor, Var},
    nn::{AdamW, AdamWConfig, Rng},
};

use super::support::{assert_close, loss, normal, params, small, values};
use crate::{
    encoder::Encoder,
    mask::TubeMask,
    model::{Model, Parts},
};

const CLIPS: [usize; 5] = [4, 2, 8, 16, 16];

/// A smooth field that moves: a wave with one of four phases, in the second channel with the opposite sign.
fn waves(batch: usize, index: u64) -> Tensor {
    let [_, channels, frames, height, width] = CLIPS;
    let mut rng = Rng::new(5, "waves", index);
    let mut fields = Vec::new();
    for _ in 0..batch {
        let phase = std::f64::consts::FRAC_PI_2 * (4.0 * rng.uniform()).floor();
        for sign in [1.0, -1.0] {
            for (t, y, x) in (0..frames).flat_map(|t| (0..height).flat_map(move |y| (0..width).map(move |x| (t, y, x))))
            {
                fields.push((sign * (0.5 * x as f64 + 0.3 * y as f64 - 0.4 * t as f64 + phase).sin()) as f32);
            }
        }
    }
    Tensor::from_vec(fields, (batch, channels, frames, height, width), &Device::Cpu).unwrap()
}

/// Trains on `clips(step)` for each step, and returns the mean loss of the last ten.
fn train(parts: Parts, steps: u64, clips: impl Fn(u64) -> Tensor) -> f64 {
    let params = params(DType::F32, 1);
    let model = Model::new(parts, params.clone()).unwrap();
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    let mut last = Vec::new();
    for step in 0..steps {
        let loss = loss(&model, &clips(step), step);
        if step + 10 >= steps {
            last.extend(values(&loss));
        }
        optimizer.step(&loss.backward().unwrap(), 3e-3).unwrap();
    }
    last.iter().sum::<f64>() / last.len() as f64
}

/// With the unbiased standard deviation of 32 pixels, a prediction of zero scores 31 / 32.
#[test]
fn a_prediction_of_zero_scores_the_target_s_variance() {
    let params = params(DType::F64, 0);
    let model = Model::new(small(), params.clone()).unwrap();
    for (_, var) in params.pp("decoder.head").named() {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    let loss = values(&loss(&model, &normal(&CLIPS, DType::F64, 1), 0))[0];
    assert!((loss - 31.0 / 32.0).abs() < 1e-9, "{loss}");
}

#[test]
fn the_encoder_sees_nothing_hidden() {
    let Parts { channels, grid, encoder: shape, .. } = small();
    let encoder = Encoder::new(channels, &grid, shape, params(DType::F64, 0)).unwrap();
    let mask = TubeMask::draw(&grid, 4, 12, &mut Rng::new(1, "mask", 0), &Device::Cpu).unwrap();
    let tubelets = grid.cut(&normal(&CLIPS, DType::F64, 1)).unwrap();
    let seen = encoder.forward(&tubelets, &mask.visible).unwrap();
    assert_eq!(seen.dims(), [4, 16, 32]);
    let spoil = |hidden: &[Vec<u32>]| {
        let mut rows = tubelets.to_vec2::<f64>().unwrap();
        for (sample, tokens) in hidden.iter().enumerate() {
            for token in tokens {
                rows[sample * 64 + *token as usize].fill(1e3);
            }
        }
        Tensor::new(rows, &Device::Cpu).unwrap()
    };
    let hidden = mask.hidden.tokens().unwrap().to_vec2().unwrap();
    assert_eq!(values(&encoder.forward(&spoil(&hidden), &mask.visible).unwrap()), values(&seen));
    // A change of a visible token is seen.
    let one = [vec![], vec![], vec![], mask.visible.tokens().unwrap().to_vec2().unwrap()[3][..1].to_vec()];
    assert_ne!(values(&encoder.forward(&spoil(&one), &mask.visible).unwrap()), values(&seen));
}

/// The directional derivative along a random direction; no parameter's gradient is zero.
#[test]
fn the_gradient_reaches_every_parameter_and_is_the_slope() {
    let params = params(DType::F64, 2);
    let model = Model::new(small(), params.clone()).unwrap();
    let clips = normal(&CLIPS, DType::F64, 1);
    let gradients = loss(&model, &clips, 0).backward().unwrap();
    let mut slope = 0.0;
    let directions: Vec<(Var, Tensor, Tensor)> = (0..)
        .zip(params.named())
        .map(|(i, (name, var))| {
            let gradient = gradients.get(&var).unwrap_or_else(|| panic!("{name} has no gradient"));
            assert!(values(gradient).iter().any(|g| g.abs() > 1e-9), "{name}: the gradient is zero");
            let along = normal(var.dims(), DType::F64, 100 + i);
            slope += values(&(gradient * &along).unwrap().sum_all().unwrap())[0];
            let at = var.as_tensor().copy().unwrap();
            (var, at, along)
        })
        .collect();
    let moved = |by: f64| {
        for (var, at, along) in &directions {
            var.set(&(at + (along * by).unwrap()).unwrap()).unwrap();
        }
        values(&loss(&model, &clips, 0))[0]
    };
    let step = 1e-6;
    let difference = (moved(step) - moved(-step)) / (2.0 * step);
    assert!((slope - difference).abs() < 1e-6 * slope.abs(), "{slope} for {difference}");
}

/// The visible tubelets determine the phase. A prediction of zero scores 0.97.
#[test]
fn waves_are_learned() {
    let loss = train(small(), 400, |step| waves(16, step));
    assert!(loss < 0.5, "{loss}");
}

/// A pattern of noise that is the same in every clip is predictable by position alone: encoder, decoder and target must
/// agree on positions.
#[test]
fn a_fixed_pattern_is_learned_by_position() {
    let pattern = normal(&[1, 2, 8, 16, 16], DType::F32, 8).repeat((8, 1, 1, 1, 1)).unwrap();
    let loss = train(small(), 200, |_| pattern.clone());
    assert!(loss < 0.5, "{loss}");
}

#[test]
fn without_normalisation_the_target_is_the_pixels() {
    let parts = Parts { norm_target: false, ..small() };
    let params = params(DType::F64, 0);
    let model = Model::new(parts, params.clone()).unwrap();
    for (_, var) in params.pp("decoder.head").named() {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    let clips = Tensor::full(3f64, &CLIPS[..], &Device::Cpu).unwrap();
    assert!((values(&loss(&model, &clips, 0))[0] - 9.0).abs() < 1e-9);
}

#[test]
fn the_same_seed_gives_the_same_weights_and_losses() {
    let run = |seed| {
        let params = params(DType::F32, seed);
        let model = Model::new(small(), params.clone()).unwrap();
        let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
        for step in 0..3 {
            let loss = loss(&model, &waves(4, step), step);
            optimizer.step(&loss.backward().unwrap(), 1e-3).unwrap();
        }
        values(&model.encode(&waves(2, 9)).unwrap())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// A sample's tokens do not depend on the rest of its batch.
#[test]
fn clips_are_encoded_independently() {
    let model = Model::new(small(), params(DType::F64, 0)).unwrap();
    let clips = normal(&CLIPS, DType::F64, 1);
    let all = model.encode(&clips).unwrap();
    assert_eq!(all.dims(), [4, 64, 32]);
    let last = model.encode(&clips.narrow(0, 3, 1).unwrap()).unwrap();
    assert_close(&last, &all.narrow(0, 3, 1).unwrap(), 1e-12, "the last clip");
}

/// Glorot's standard deviation for every size.
#[test]
fn weights_are_initialised_as_upstream() {
    let params = params(DType::F32, 0);
    Model::new(small(), params.clone()).unwrap();
    for (name, var) in params.named() {
        if let &[outputs, inputs] = var.dims() {
            let values = values(&var);
            let deviation = (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt();
            let expected = (2.0 / (inputs + outputs) as f64).sqrt();
            // Five standard deviations of the estimate, for a normal distribution.
            let bound = 5.0 * expected / (2.0 * values.len() as f64).sqrt();
            assert!((deviation - expected).abs() < bound, "{name}: {deviation} for {expected}");
        }
    }
}
