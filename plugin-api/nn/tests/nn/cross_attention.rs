//! Cross-attention and linear layers against their definitions.

use candle_core::{DType, Device, Tensor};
use physrep_nn::{CrossAttention, Init, Linear, Params, softmax};

use crate::support::{assert_close, check_gradients, normal, values};

fn params() -> Params {
    Params::new(DType::F64, &Device::Cpu, 3)
}

#[test]
fn one_head_over_one_token_returns_its_value() {
    let params = params();
    let attention = CrossAttention::new(4, 2, params.clone()).unwrap();
    let token = normal((3, 1, 4), 1);
    let read = attention.forward(&normal((3, 2, 4), 2), &token).unwrap();
    let weight = params.named().into_iter().find(|(n, _)| n == "kv.weight");
    let value_weight = weight.unwrap().1.narrow(0, 4, 4).unwrap();
    let value = token.broadcast_matmul(&value_weight.t().unwrap()).unwrap();
    let expected = Tensor::cat(&[&value, &value], 1).unwrap();
    assert_close(&read, &expected, 1e-13, "value of the only token");
}

#[test]
fn agrees_with_a_loop_over_heads() {
    let (dim, heads) = (6, 3);
    let params = params();
    let attention = CrossAttention::new(dim, heads, params.clone()).unwrap();
    // Large weights, so that the softmax is far from uniform.
    for (i, (_, var)) in params.named().into_iter().enumerate() {
        var.set(&normal(var.shape(), 10 + i as u64)).unwrap();
    }
    let [kv_bias, kv_weight, q_bias, q_weight] = [0, 1, 2, 3].map(|i| values(&params.named()[i].1));
    let (queries, tokens) = (normal((2, 2, dim), 1), normal((2, 5, dim), 2));
    let got = attention.forward(&queries, &tokens).unwrap();
    let project = |x: &[f64], w: &[f64], b: &[f64]| -> Vec<f64> {
        let dot = |o: usize| x.iter().zip(&w[o * dim..]).map(|(x, w)| x * w).sum::<f64>();
        (0..b.len()).map(|o| b[o] + dot(o)).collect()
    };
    let mut expected: Vec<f64> = Vec::new();
    let (queries, tokens) = (values(&queries), values(&tokens));
    for (i, query) in queries.chunks(dim).enumerate() {
        let q = project(query, &q_weight, &q_bias);
        let sample = &tokens[i / 2 * 5 * dim..][..5 * dim];
        let kv: Vec<_> = sample.chunks(dim).map(|token| project(token, &kv_weight, &kv_bias)).collect();
        let per_head = dim / heads;
        for head in 0..heads {
            let span = head * per_head..(head + 1) * per_head;
            let score = |kv: &Vec<f64>| {
                let dot: f64 = span.clone().map(|c| q[c] * kv[c]).sum();
                (dot / (per_head as f64).sqrt()).exp()
            };
            let total: f64 = kv.iter().map(score).sum();
            for c in span.clone() {
                expected.push(kv.iter().map(|kv| score(kv) / total * kv[dim + c]).sum());
            }
        }
    }
    let expected = Tensor::from_vec(expected, (2, 2, dim), &Device::Cpu).unwrap();
    assert_close(&got, &expected, 1e-12, "attention");
}

#[test]
fn gradients_agree_with_differences() {
    let attention = CrossAttention::new(8, 2, params()).unwrap();
    check_gradients(&[normal((2, 3, 8), 1), normal((2, 5, 8), 2)], |t| attention.forward(&t[0], &t[1]));
    check_gradients(&[normal((2, 7), 1)], |t| softmax(&t[0]));
    let linear = Linear::new(5, 3, params()).unwrap();
    check_gradients(&[normal((2, 4, 5), 1)], |t| linear.forward(&t[0]));
}

#[test]
fn softmax_survives_large_logits() {
    let x = Tensor::new(&[[1000f32, 999.0], [-1000.0, -1000.0]], &Device::Cpu).unwrap();
    let y = values(&softmax(&x).unwrap());
    assert!((y[0] - 1.0 / (1.0 + (-1f64).exp())).abs() < 1e-6, "{y:?}");
    assert_eq!(y[2..], [0.5, 0.5]);
}

#[test]
fn a_linear_layer_is_a_matrix_and_a_bias() {
    let params = params();
    let layer = Linear::with_init(2, 2, Init::Const(0.5), Init::Const(1.0), params).unwrap();
    let x = Tensor::new(&[[[1f64, 2.0], [3.0, 4.0]]], &Device::Cpu).unwrap();
    let y = layer.forward(&x).unwrap();
    assert_eq!(values(&y), [2.5, 2.5, 4.5, 4.5]);
    let error = layer.forward(&normal((2, 3), 1)).unwrap_err().to_string();
    assert!(error.contains("(.., 2), got [2, 3]"), "{error}");
}

#[test]
fn heads_must_divide_channels() {
    for heads in [0, 4] {
        let error = CrossAttention::new(6, heads, params()).err().unwrap();
        assert!(error.to_string().contains("do not divide"), "{error}");
    }
}
