//! AdamW against its formula; its state; its errors.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use physrep_nn::{AdamW, AdamWConfig, Init, Params};

use crate::support::{normal, values};

const CONFIG: AdamWConfig = AdamWConfig { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.05 };

fn network(dtype: DType) -> Params {
    let params = Params::new(dtype, &Device::Cpu, 4);
    params.get((3, 5), "a", Init::Normal { std: 1.0 }).unwrap();
    params.get(40_000, "b", Init::Normal { std: 1.0 }).unwrap();
    params
}

/// Gradients for all parameters, different at each step.
fn gradients(params: &Params, step: u64) -> GradStore {
    let mut store = GradStore::default();
    for (i, (_, var)) in params.named().into_iter().enumerate() {
        let gradient = normal(var.shape(), 100 * step + i as u64);
        store.insert(&var, gradient.to_dtype(var.dtype()).unwrap());
    }
    store
}

fn snapshot(params: &Params) -> Vec<Vec<f64>> {
    params.named().iter().map(|(_, var)| values(var)).collect()
}

#[test]
fn agrees_with_the_formula() {
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 1e-5)] {
        let params = network(dtype);
        let mut optimizer = AdamW::new(params.named(), CONFIG).unwrap();
        let mut expected = snapshot(&params);
        let mut moments: Vec<Vec<(f64, f64)>> = expected.iter().map(|p| vec![(0.0, 0.0); p.len()]).collect();
        for step in 1..=4 {
            let lr = 1e-2 / step as f64;
            let store = gradients(&params, step);
            optimizer.step(&store, lr).unwrap();
            let (b1, b2) = (CONFIG.beta1, CONFIG.beta2);
            for (i, (_, var)) in params.named().iter().enumerate() {
                let gradient = values(store.get(var).unwrap());
                for ((p, (m, v)), g) in expected[i].iter_mut().zip(&mut moments[i]).zip(gradient) {
                    *m = b1 * *m + (1.0 - b1) * g;
                    *v = b2 * *v + (1.0 - b2) * g * g;
                    let mean = *m / (1.0 - b1.powi(step as i32));
                    let square = *v / (1.0 - b2.powi(step as i32));
                    *p -= lr * CONFIG.weight_decay * *p;
                    *p -= lr * mean / (square.sqrt() + CONFIG.eps);
                }
            }
            for (got, expected) in snapshot(&params).into_iter().zip(&expected) {
                for (got, expected) in got.into_iter().zip(expected) {
                    assert!((got - expected).abs() <= tolerance, "{got} {expected}");
                }
            }
        }
    }
}

#[test]
fn a_run_resumes_from_its_state_bit_for_bit() {
    let whole = network(DType::F32);
    let mut optimizer = AdamW::new(whole.named(), CONFIG).unwrap();
    for step in 0..2 {
        optimizer.step(&gradients(&whole, step), 1e-2).unwrap();
    }
    let state = optimizer.state().unwrap();
    let weights = whole.named().into_iter();
    let weights = weights.map(|(n, v)| (n, v.as_tensor().copy().unwrap())).collect();
    for step in 2..5 {
        optimizer.step(&gradients(&whole, step), 1e-2).unwrap();
    }

    let resumed = network(DType::F32);
    let mut optimizer = AdamW::new(resumed.named(), CONFIG).unwrap();
    let weights: std::collections::BTreeMap<String, Tensor> = weights;
    resumed.load(&weights).unwrap();
    optimizer.load_state(&state).unwrap();
    for step in 2..5 {
        optimizer.step(&gradients(&resumed, step), 1e-2).unwrap();
    }
    assert_eq!(snapshot(&resumed), snapshot(&whole));
}

#[test]
fn a_state_that_does_not_fit_is_an_error() {
    let params = network(DType::F32);
    let mut optimizer = AdamW::new(params.named(), CONFIG).unwrap();
    optimizer.step(&gradients(&params, 0), 1e-2).unwrap();
    let good = optimizer.state().unwrap();
    let before = snapshot(&params);

    let mut state = good.clone();
    state.remove("a.exp_avg");
    state.insert("c.step".into(), state["a.step"].clone());
    state.insert("b.exp_avg_sq".into(), state["a.exp_avg_sq"].clone());
    let error = optimizer.load_state(&state).unwrap_err().to_string();
    for part in ["a.exp_avg is missing", "c.step belongs to no", "b.exp_avg_sq is F32 [3, 5]"] {
        assert!(error.contains(part), "{error}");
    }
    let kept = optimizer.state().unwrap();
    assert_eq!(values(&kept["b.exp_avg_sq"]), values(&good["b.exp_avg_sq"]));
    assert_eq!(snapshot(&params), before);
}

#[test]
fn a_parameter_without_gradient_is_named() {
    let params = network(DType::F32);
    let before = snapshot(&params);
    let mut store = gradients(&params, 0);
    let (name, var) = params.named().remove(0);
    store.remove(&var);
    let mut optimizer = AdamW::new(params.named(), CONFIG).unwrap();
    let error = optimizer.step(&store, 1e-2).unwrap_err().to_string();
    assert!(error.contains("1 of 2 parameters have no gradient: a."), "{error}");
    assert_eq!(snapshot(&params), before);

    let mut optimizer = optimizer.allow_missing([name]).unwrap();
    optimizer.step(&store, 1e-2).unwrap();
    let after = snapshot(&params);
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
    assert!(optimizer.allow_missing(["c".to_string()]).is_err());
}

/// The first update of a parameter has the size of the learning rate, at whichever step.
#[test]
fn each_parameter_counts_its_own_steps() {
    let params = network(DType::F64);
    let mut optimizer = AdamW::new(params.named(), AdamWConfig { weight_decay: 0.0, ..CONFIG })
        .unwrap()
        .allow_missing(["a".to_string()])
        .unwrap();
    let (_, a) = params.named().remove(0);
    let before = values(&a);
    for step in 0..50 {
        let mut store = gradients(&params, step);
        store.remove(&a);
        optimizer.step(&store, 1e-2).unwrap();
    }
    optimizer.step(&gradients(&params, 50), 1e-2).unwrap();
    for (before, after) in before.into_iter().zip(values(&a)) {
        assert!(((before - after).abs() - 1e-2).abs() < 1e-6, "{before} {after}");
    }
}

#[test]
fn bad_hyperparameters_and_shapes_are_errors() {
    let params = network(DType::F32);
    for config in [
        AdamWConfig { beta1: 1.0, ..CONFIG },
        AdamWConfig { beta2: f64::NAN, ..CONFIG },
        AdamWConfig { weight_decay: -1.0, ..CONFIG },
    ] {
        let error = AdamW::new(params.named(), config).err().unwrap().to_string();
        assert!(error.contains("betas in [0, 1)"), "{error}");
    }
    let mut optimizer = AdamW::new(params.named(), CONFIG).unwrap();
    let mut store = gradients(&params, 0);
    let (_, var) = params.named().remove(0);
    store.insert(&var, Var::zeros(3, DType::F32, &Device::Cpu).unwrap().as_tensor().clone());
    let error = optimizer.step(&store, 1e-2).unwrap_err().to_string();
    assert!(error.contains("gradient of shape [3, 5], as its parameter, got [3]"), "{error}");
}

/// Steps on a GPU change every parameter of a block as on the CPU.
#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    let Some(gpu) = crate::gpu::gpu() else { return };
    let x = normal((2, 4, 9, 10, 24), 1);
    let trained = |device: &Device| {
        let params = Params::new(DType::F32, device, 0);
        let block = physrep_nn::ConvNextBlock::new(24, &[7, 7, 7], 0.5, params.clone()).unwrap();
        let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
        let x = x.to_dtype(DType::F32).unwrap().to_device(device).unwrap();
        for _ in 0..3 {
            let gradients = block.forward(&x).unwrap().sqr().unwrap().mean_all().unwrap().backward().unwrap();
            optimizer.step(&gradients, 1e-3).unwrap();
        }
        params.named()
    };
    for ((name, on_gpu), (_, on_cpu)) in trained(&gpu).into_iter().zip(trained(&Device::Cpu)) {
        crate::support::assert_close(&on_gpu.to_device(&Device::Cpu).unwrap(), &on_cpu, 1e-4, &name);
    }
}
