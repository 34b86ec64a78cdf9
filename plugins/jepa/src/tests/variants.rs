//! Variants of the paper's JEPA: another regulariser, another target.

use physrep_plugin_api::{
    DType, Device, Params, Tensor,
    nn::{AdamW, AdamWConfig, Rng, VicRegConfig},
};

use crate::{
    config::{Config, Target},
    model::Model,
    objective::{Loss, Objective},
};

const SIGREG: Objective = Objective::SigReg { invariance: 1.0, gaussianity: 10.0, slices: 32 };

fn normal(shape: &[usize], seed: u64) -> Tensor {
    Rng::new(seed, "test", 0).normal(shape, DType::F32, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn model(target: Target) -> (Params, Model) {
    let params = Params::new(DType::F32, &Device::Cpu, 2);
    let (dims, num_res_blocks) = (vec![3, 4, 5, 6, 8], vec![1; 5]);
    let config = Config { dims, num_res_blocks, layer_scale: 0.1, target, ..Config::default() };
    let model = Model::new(&config, 2, 16, &params).unwrap();
    (params, model)
}

fn loss(model: &Model, objective: &Objective, clips: u64, step: u64) -> Loss {
    let [context, target] = [0, 1].map(|i| normal(&[3, 2, 16, 32, 32], 10 * clips + i));
    let [prediction, target] = model.predict(&Tensor::cat(&[context, target], 0).unwrap()).unwrap();
    objective.loss(&prediction, &target, &mut Rng::new(1, objective.purpose(), step)).unwrap()
}

#[test]
fn gradients_reach_all_that_is_trained_and_nothing_else() {
    for target in [Target::Shared, Target::Ema] {
        for objective in [SIGREG, Objective::VicReg(VicRegConfig::default())] {
            let (params, model) = model(target);
            let gradients = loss(&model, &objective, 1, 0).total.backward().unwrap();
            let trained = params.trained();
            for (name, var) in params.named() {
                let (is_trained, teacher) = (trained.iter().any(|(n, _)| *n == name), name.starts_with("teacher."));
                assert_eq!(is_trained, !teacher, "{name}");
                assert_eq!(gradients.get(&var).is_some(), is_trained, "{name} with {objective:?}");
            }
            assert_eq!(params.pp("teacher").named().is_empty(), target == Target::Shared);
        }
    }
}

#[test]
fn the_teacher_follows_the_encoder_and_gives_the_target() {
    let (params, model) = model(Target::Ema);
    let clip = normal(&[1, 2, 16, 16, 16], 1);
    let embedded = |model: &Model| values(&model.predict(&Tensor::cat(&[&clip, &clip], 0).unwrap()).unwrap()[1]);
    let before = embedded(&model);
    assert_eq!(before, values(&model.encode(&clip).unwrap()), "a teacher starts as the encoder");
    for (_, var) in params.pp("encoder").named() {
        var.set(&(var.as_tensor() * 1.5).unwrap()).unwrap();
    }
    assert_eq!(embedded(&model), before, "a teacher moves only when it is told to follow");
    model.update_teacher(0.5).unwrap();
    let half: Vec<_> = params.pp("teacher").named().iter().flat_map(|(_, var)| values(var)).collect();
    let encoder = params.pp("encoder").named();
    for (teacher, encoder) in half.iter().zip(encoder.iter().flat_map(|(_, var)| values(var))) {
        assert!((teacher - encoder * 1.25 / 1.5).abs() < 1e-6, "{teacher} beside {encoder}");
    }
}

/// With SIGReg, embeddings vary that collapse without it.
#[test]
fn sigreg_keeps_embeddings_from_collapsing() {
    let deviation = |gaussianity: f64| {
        let objective = Objective::SigReg { invariance: 1.0, gaussianity, slices: 32 };
        let (params, model) = model(Target::Shared);
        let config = AdamWConfig { weight_decay: 0.0, ..AdamWConfig::default() };
        let mut optimizer = AdamW::new(params.trained(), config).unwrap();
        for step in 0..40 {
            optimizer.step(&loss(&model, &objective, step, step).total.backward().unwrap(), 3e-3).unwrap();
        }
        let rows = model.encode(&normal(&[8, 2, 16, 32, 32], 5)).unwrap().flatten_to(2).unwrap();
        let centred = rows.broadcast_sub(&rows.mean_keepdim(0).unwrap()).unwrap();
        values(&centred.sqr().unwrap().mean_all().unwrap())[0].sqrt()
    };
    let (with, without) = (deviation(10.0), deviation(0.0));
    assert!(with > 3.0 * without, "standard deviation {with} with, {without} without");
}
