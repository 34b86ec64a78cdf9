//! Self-attention against its definition.

use candle_core::{DType, Device, Tensor, Var};
use physrep_nn::self_attention;

use crate::support::{assert_close, check_gradients, normal, values};

/// Samples, tokens, heads, width of a head: one token, fewer and more tokens than a block of queries, partial
/// registers.
const CASES: [[usize; 4]; 5] = [[1, 1, 1, 1], [2, 5, 3, 2], [1, 48, 1, 16], [2, 53, 2, 5], [1, 130, 4, 17]];

fn inputs([b, n, heads, d]: [usize; 4]) -> [Tensor; 2] {
    [normal((b, n, 3 * heads * d), 1), normal((heads, n, n), 2)]
}

fn naive([b, n, heads, d]: [usize; 4], qkv: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let qkv = values(qkv);
    let bias = bias.map(values);
    let at = |sample: usize, token: usize, part: usize, head: usize, i: usize| {
        qkv[((sample * n + token) * 3 + part) * heads * d + head * d + i]
    };
    let mut y = vec![0.0; b * n * heads * d];
    for (sample, query, head) in (0..b * n * heads).map(|i| (i / (n * heads), i / heads % n, i % heads)) {
        let score = |key: usize| {
            let product: f64 = (0..d).map(|i| at(sample, query, 0, head, i) * at(sample, key, 1, head, i)).sum();
            product / (d as f64).sqrt() + bias.as_ref().map_or(0.0, |bias| bias[(head * n + query) * n + key])
        };
        let weights: Vec<f64> = (0..n).map(|key| score(key).exp()).collect();
        let total: f64 = weights.iter().sum();
        for i in 0..d {
            let read: f64 = (0..n).map(|key| weights[key] * at(sample, key, 2, head, i)).sum();
            y[((sample * n + query) * heads + head) * d + i] = read / total;
        }
    }
    Tensor::from_vec(y, (b, n, heads * d), &Device::Cpu).unwrap()
}

#[test]
fn agrees_with_the_definition() {
    for case in CASES {
        let [qkv, bias] = inputs(case);
        for bias in [None, Some(&bias)] {
            let expected = naive(case, &qkv, bias);
            let y = self_attention(&qkv, bias, case[2]).unwrap();
            assert_close(&y, &expected, 1e-13, &format!("f64 {case:?}"));
            let single = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
            let y = self_attention(&single(&qkv), bias.map(single).as_ref(), case[2]).unwrap();
            assert_close(&y, &expected, 2e-6, &format!("f32 {case:?}"));
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    for case in CASES {
        let [qkv, bias] = inputs(case);
        check_gradients(std::slice::from_ref(&qkv), |t| self_attention(&t[0], None, case[2]));
        check_gradients(&[qkv, bias], |t| self_attention(&t[0], Some(&t[1]), case[2]));
    }
}

#[test]
fn gradients_in_f32_agree_with_f64() {
    for case in CASES {
        let gradients = |dtype| {
            let [qkv, bias] = inputs(case).map(|t| Var::from_tensor(&t.to_dtype(dtype).unwrap()).unwrap());
            let y = self_attention(&qkv, Some(&bias), case[2]).unwrap();
            let projection = normal(y.shape(), 3).to_dtype(dtype).unwrap();
            let store = (y * projection).unwrap().sum_all().unwrap().backward().unwrap();
            [store.get(&qkv).unwrap().clone(), store.get(&bias).unwrap().clone()]
        };
        for (single, double) in gradients(DType::F32).iter().zip(&gradients(DType::F64)) {
            assert_close(single, double, 1e-5, &format!("{case:?}"));
        }
    }
}

#[test]
fn scores_too_large_for_an_exponential_are_fine() {
    let qkv = (normal((1, 7, 3 * 8), 1) * 100.0).unwrap();
    let single = qkv.to_dtype(DType::F32).unwrap();
    assert!(values(&self_attention(&qkv, None, 2).unwrap()).iter().all(|v| v.is_finite()));
    assert!(values(&self_attention(&single, None, 2).unwrap()).iter().all(|v| v.is_finite()));
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let qkv = normal((2, 4, 12), 1);
    let error = self_attention(&qkv, None, 3).unwrap_err().to_string();
    assert!(error.contains("a multiple of 3 heads"), "{error}");
    let error = self_attention(&qkv, Some(&normal((2, 4, 5), 2)), 2).unwrap_err().to_string();
    assert!(error.contains("expected a bias (2, 4, 4)"), "{error}");
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for (tokens, heads, width) in [(53, 4, 8), (200, 3, 64)] {
        let qkv = normal((2, tokens, 3 * heads * width), 1);
        let bias = normal((heads, tokens, tokens), 2);
        crate::gpu::agrees("without a bias", std::slice::from_ref(&qkv), 1, |t| self_attention(&t[0], None, heads));
        crate::gpu::agrees("with a bias", &[qkv, bias], 1, |t| self_attention(&t[0], Some(&t[1]), heads));
    }
}
