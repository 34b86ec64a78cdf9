//! Instance normalisation against its definitions.

use candle_core::{DType, Device, Tensor, Var};
use physrep_nn::{instance_norm, rms_instance_norm};

use crate::support::{assert_close, check_gradients, normal, values};

/// Maps, positions, channels.
const SHAPES: [[usize; 3]; 5] = [[1, 2, 1], [3, 5, 7], [2, 16, 16], [1, 200, 33], [300, 4, 2]];

fn inputs(shape: [usize; 3]) -> [Tensor; 3] {
    let x = normal(&shape[..], 1).affine(3.0, 2.0).unwrap();
    [x, normal(shape[2], 2), normal(shape[2], 3)]
}

/// `f(x, mean, sum of squares of the distances from it, positions)` for every element, times weight, plus bias.
fn naive([x, weight, bias]: &[Tensor; 3], f: impl Fn(f64, f64, f64, f64) -> f64) -> Tensor {
    let (maps, positions, channels) = x.dims3().unwrap();
    let (elements, weight, bias) = (values(x), values(weight), values(bias));
    let n = positions as f64;
    let mut y = vec![0.0; elements.len()];
    for (map, c) in (0..maps * channels).map(|i| (i / channels, i % channels)) {
        let at = |i: usize| (map * positions + i) * channels + c;
        let mean = (0..positions).map(|i| elements[at(i)]).sum::<f64>() / n;
        let squares = (0..positions).map(|i| (elements[at(i)] - mean).powi(2)).sum();
        for i in 0..positions {
            y[at(i)] = f(elements[at(i)], mean, squares, n) * weight[c] + bias[c];
        }
    }
    Tensor::from_vec(y, x.shape(), x.device()).unwrap()
}

#[test]
fn agrees_with_the_definitions() {
    for shape in SHAPES {
        let [x, weight, bias] = inputs(shape);
        let single = |t: &Tensor| t.to_dtype(DType::F32).unwrap();

        let all = [x.clone(), weight.clone(), bias.clone()];
        let expected = naive(&all, |x, mean, squares, n| (x - mean) / (squares / n + 1e-5).sqrt());
        let y = instance_norm(&x, &weight, &bias, 1e-5).unwrap();
        assert_close(&y, &expected, 1e-12, &format!("centred, f64 {shape:?}"));
        let y = instance_norm(&single(&x), &single(&weight), &single(&bias), 1e-5).unwrap();
        assert_close(&y, &expected, 1e-5, &format!("centred, f32 {shape:?}"));

        let no_bias = [x.clone(), weight.clone(), bias.zeros_like().unwrap()];
        let expected = naive(&no_bias, |x, _, squares, n| x / ((squares / (n - 1.0)).sqrt() + 1e-8));
        let y = rms_instance_norm(&x, &weight, 1e-8).unwrap();
        assert_close(&y, &expected, 1e-12, &format!("rms, f64 {shape:?}"));
        let y = rms_instance_norm(&single(&x), &single(&weight), 1e-8).unwrap();
        assert_close(&y, &expected, 1e-5, &format!("rms, f32 {shape:?}"));
    }
}

#[test]
fn gradients_agree_with_differences() {
    for shape in SHAPES {
        let all = inputs(shape);
        // A large eps keeps the curvature of maps of few positions within the step.
        check_gradients(&all, |t| instance_norm(&t[0], &t[1], &t[2], 1e-2));
        check_gradients(&all[..2], |t| rms_instance_norm(&t[0], &t[1], 1e-1));
    }
}

#[test]
fn a_constant_map_stays_finite_and_so_does_its_gradient() {
    let x = Var::from_tensor(&Tensor::full(7.0, (2, 5, 3), &Device::Cpu).unwrap()).unwrap();
    let weight = normal(3, 2);
    for y in [instance_norm(&x, &weight, &normal(3, 3), 1e-5), rms_instance_norm(&x, &weight, 1e-8)] {
        let y = y.unwrap();
        assert!(values(&y).iter().all(|v| v.is_finite()));
        let gradients = y.sum_all().unwrap().backward().unwrap();
        assert!(values(gradients.get(&x).unwrap()).iter().all(|v| v.is_finite()));
    }
}

#[test]
fn a_constant_map_stays_finite_through_many_norms() {
    let mut x = Tensor::full(7.0f32, (1, 5, 1), &Device::Cpu).unwrap();
    let weight = Tensor::ones(1, DType::F32, &Device::Cpu).unwrap();
    for _ in 0..10 {
        x = rms_instance_norm(&x, &weight, 1e-8).unwrap();
    }
    let expected = Tensor::full(f64::from(1 << 20), (1, 5, 1), &Device::Cpu).unwrap();
    assert_close(&x, &expected, 1e-6, "a constant map");
}

#[test]
fn bad_input_is_an_error_with_a_reason() {
    let error = rms_instance_norm(&normal((2, 1, 3), 1), &normal(3, 2), 1e-8).unwrap_err();
    assert!(error.to_string().contains("with N at least 2"), "{error}");
    let error = instance_norm(&normal((2, 4, 3), 1), &normal(4, 2), &normal(3, 3), 1e-8).unwrap_err();
    assert!(error.to_string().contains("expected weight and bias (3)"), "{error}");
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    let maps = [normal((3, 16, 196, 48), 1), normal(48, 2), normal(48, 3)];
    crate::gpu::agrees("maps", &maps, 1, |t| instance_norm(&t[0], &t[1], &t[2], 1e-5));
    crate::gpu::agrees("by their standard deviation", &maps[..2], 1, |t| rms_instance_norm(&t[0], &t[1], 1e-5));
}
