//! The mean squared error against its definition.

use candle_core::{DType, Var};
use physrep_nn::mean_squared_error;

use crate::support::{assert_close, check_gradients, normal};

/// One element, less and more than a block, and more than two.
const SHAPES: [[usize; 2]; 4] = [[1, 1], [5, 7], [3, 3001], [130, 129]];

#[test]
fn agrees_with_the_definition() {
    for shape in SHAPES {
        let (guess, target) = (normal(&shape, 1), normal(&shape, 2));
        let expected = (&guess - &target).unwrap().sqr().unwrap().mean_all().unwrap();
        assert_close(&mean_squared_error(&guess, &target).unwrap(), &expected, 1e-13, "f64");
        let single = |t: &candle_core::Tensor| t.to_dtype(DType::F32).unwrap();
        assert_close(&mean_squared_error(&single(&guess), &single(&target)).unwrap(), &expected, 1e-6, "f32");
        check_gradients(&[guess], |t| mean_squared_error(&t[0], &target)? * 3.0);
    }
}

#[test]
fn a_target_that_would_silently_get_no_gradient_is_an_error() {
    let guess = normal((2, 3), 1);
    let target = Var::from_tensor(&normal((2, 3), 2)).unwrap();
    let error = mean_squared_error(&guess, &target).unwrap_err().to_string();
    assert!(error.contains("the target depends on a variable"), "{error}");
    let error = mean_squared_error(&guess, &normal((3, 2), 2)).unwrap_err().to_string();
    assert!(error.contains("expected two tensors of the same shape, got [2, 3] and [3, 2]"), "{error}");
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for shape in SHAPES {
        let target = normal(&shape, 2);
        crate::gpu::agrees(&format!("{shape:?}"), &[normal(&shape, 1)], 1, |t| {
            mean_squared_error(&t[0], &target.to_dtype(t[0].dtype())?.to_device(t[0].device())?)
        });
    }
}
