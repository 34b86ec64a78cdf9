//! Swapped axes against candle's transposition.

use candle_core::DType;
use physrep_nn::swap_axes;

use crate::support::{check_gradients, normal, values};

const SHAPES: [[usize; 4]; 4] = [[1, 1, 1, 1], [2, 3, 5, 7], [1, 16, 4, 3], [5, 2, 9, 1]];

#[test]
fn is_a_transposition() {
    // Also more tokens than one task.
    for shape in SHAPES.into_iter().chain([[2, 3, 2500, 1], [1, 3, 1100, 2]]) {
        for dtype in [DType::F32, DType::F64] {
            let x = normal(&shape[..], 1).to_dtype(dtype).unwrap();
            let (y, expected) = (swap_axes(&x).unwrap(), x.transpose(1, 2).unwrap());
            assert_eq!(y.dims(), expected.dims());
            assert!(y.is_contiguous());
            assert_eq!(values(&y), values(&expected), "{shape:?}");
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    for shape in SHAPES {
        check_gradients(&[normal(&shape[..], 1)], |t| swap_axes(&t[0])?.sqr());
    }
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for dims in [[2, 11, 5000, 1], [3, 70, 131, 1], [2, 3, 50, 24], [2, 3, 50, 2]] {
        crate::gpu::agrees(&format!("{dims:?} swapped"), &[normal(&dims, 1)], 1, |t| swap_axes(&t[0]));
    }
}
