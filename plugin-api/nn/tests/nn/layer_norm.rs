//! Layer normalisation against its definition.

use candle_core::{DType, Tensor};
use physrep_nn::layer_norm;

use crate::support::{assert_close, check_gradients, normal, values};

const SHAPES: [&[usize]; 6] = [&[1, 1], &[4, 3], &[2, 5, 17], &[3, 1, 2, 16], &[7, 33], &[2100, 20]];

fn inputs(shape: &[usize]) -> [Tensor; 3] {
    let channels = shape[shape.len() - 1];
    let x = normal(shape, 1).affine(3.0, 2.0).unwrap();
    [x, normal(channels, 2), normal(channels, 3)]
}

fn naive([x, weight, bias]: &[Tensor; 3], eps: f64) -> Tensor {
    let (weight, bias) = (values(weight), values(bias));
    let mut y = Vec::new();
    for row in values(x).chunks(weight.len()) {
        let n = row.len() as f64;
        let mean = row.iter().sum::<f64>() / n;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        for (i, v) in row.iter().enumerate() {
            y.push((v - mean) / (variance + eps).sqrt() * weight[i] + bias[i]);
        }
    }
    Tensor::from_vec(y, x.shape(), x.device()).unwrap()
}

#[test]
fn agrees_with_the_definition() {
    for shape in SHAPES {
        let inputs = inputs(shape);
        let expected = naive(&inputs, 1e-6);
        let [x, weight, bias] = &inputs;
        let y = layer_norm(x, weight, bias, 1e-6).unwrap();
        assert_close(&y, &expected, 1e-12, &format!("f64 {shape:?}"));
        let [x, weight, bias] = inputs.map(|t| t.to_dtype(DType::F32).unwrap());
        let y = layer_norm(&x, &weight, &bias, 1e-6).unwrap();
        assert_close(&y, &expected, 1e-5, &format!("f32 {shape:?}"));
    }
}

#[test]
fn gradients_agree_with_differences() {
    for shape in SHAPES {
        // A large eps keeps the curvature of a row of one or two elements within the step.
        check_gradients(&inputs(shape), |t| layer_norm(&t[0], &t[1], &t[2], 1e-2));
    }
}

#[test]
fn a_constant_row_gives_the_bias() {
    let x = Tensor::full(7.0, (2, 5), &candle_core::Device::Cpu).unwrap();
    let bias = normal(5, 3);
    let y = layer_norm(&x, &normal(5, 2), &bias, 1e-6).unwrap();
    assert_eq!(values(&y.get(1).unwrap()), values(&bias));
}

#[test]
fn bad_input_is_an_error_with_a_reason() {
    let error = layer_norm(&normal((2, 4), 1), &normal(3, 2), &normal(4, 3), 1e-6).unwrap_err();
    assert!(error.to_string().contains("expected x (.., C)"), "{error}");
    let x = normal((2, 4), 1).to_dtype(DType::I64).unwrap();
    let error = layer_norm(&x, &x.get(0).unwrap(), &x.get(0).unwrap(), 1e-6).unwrap_err();
    assert!(error.to_string().contains("expected f32 or f64"), "{error}");
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for (rows, c) in crate::gpu::ROWS {
        let inputs = [normal((rows, c), 1), normal(c, 2), normal(c, 3)];
        crate::gpu::agrees(&format!("{rows} rows of {c}"), &inputs, 1, |t| layer_norm(&t[0], &t[1], &t[2], 1e-5));
    }
}
