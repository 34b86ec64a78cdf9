//! The pool of learned queries against its definition.

use candle_core::{DType, Tensor};
use physrep_nn::{attention_pool, softmax};

use crate::support::{assert_close, check_gradients, normal, values};

/// Samples, tokens, queries and channels: one of each, partial registers, more than a register and a block of rows.
const CASES: [[usize; 4]; 5] = [[1, 1, 1, 1], [2, 5, 3, 2], [3, 49, 8, 16], [2, 130, 5, 33], [1, 7, 9, 130]];

fn inputs([b, n, heads, dim]: [usize; 4]) -> [Tensor; 2] {
    [normal((heads, dim), 1), normal((b, n, dim), 2)]
}

fn naive(queries: &Tensor, tokens: &Tensor) -> candle_core::Result<Tensor> {
    softmax(&tokens.broadcast_matmul(&queries.t()?)?.transpose(1, 2)?.contiguous()?)?.matmul(tokens)
}

#[test]
fn agrees_with_the_definition() {
    for case in CASES {
        let [queries, tokens] = inputs(case);
        let expected = naive(&queries, &tokens).unwrap();
        assert_close(&attention_pool(&queries, &tokens).unwrap(), &expected, 1e-13, &format!("f64 {case:?}"));
        let [queries, tokens] = [queries, tokens].map(|t| t.to_dtype(DType::F32).unwrap());
        assert_close(&attention_pool(&queries, &tokens).unwrap(), &expected, 2e-6, &format!("f32 {case:?}"));
    }
}

#[test]
fn gradients_agree_with_differences() {
    for case in CASES {
        let [queries, tokens] = inputs(case);
        check_gradients(&[queries.clone(), tokens.clone()], |t| attention_pool(&t[0], &t[1]));
        check_gradients(&[queries], |t| attention_pool(&t[0], &tokens));
    }
}

#[test]
fn scores_too_large_for_an_exponential_are_fine() {
    let [queries, tokens] = inputs([2, 7, 3, 8]).map(|t| (t * 100.0).unwrap().to_dtype(DType::F32).unwrap());
    assert!(values(&attention_pool(&queries, &tokens).unwrap()).iter().all(|v| v.is_finite()));
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let error = attention_pool(&normal((2, 4), 1), &normal((3, 5, 6), 2)).unwrap_err().to_string();
    assert!(error.contains("expected queries (H, D) and tokens (B, N, D), got [2, 4] and [3, 5, 6]"), "{error}");
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    let inputs = [normal((8, 24), 1), normal((3, 53, 24), 2)];
    crate::gpu::agrees("a pool", &inputs, 2, |t| attention_pool(&t[0], &t[1]));
}
