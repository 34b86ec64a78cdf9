//! The bias against candle's broadcasting.

use candle_core::DType;
use physrep_nn::add_bias;

use crate::support::{check_gradients, normal, values};

#[test]
fn values_are_those_of_broadcasting_and_gradients_agree_with_differences() {
    for shape in [&[1, 1][..], &[2, 3, 17], &[1500, 5]] {
        let (x, bias) = (normal(shape, 1), normal(shape[shape.len() - 1], 3));
        let expected = x.broadcast_add(&bias).unwrap();
        assert_eq!(values(&add_bias(&x, &bias).unwrap()), values(&expected));
        check_gradients(&[x, bias], |t| add_bias(&t[0], &t[1]));
    }
}

#[test]
fn bad_input_is_an_error_with_a_reason() {
    let error = add_bias(&normal((2, 3), 1), &normal(2, 2)).unwrap_err();
    assert!(error.to_string().contains("[2, 3] and [2]"), "{error}");
    let single = normal(3, 2).to_dtype(DType::F32).unwrap();
    let error = add_bias(&normal((2, 3), 1), &single).unwrap_err();
    assert!(error.to_string().contains("expected all inputs to be F64"), "{error}");
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for (rows, c) in crate::gpu::ROWS {
        let inputs = [normal((rows, c), 1), normal(c, 2)];
        crate::gpu::agrees(&format!("{rows} rows of {c}"), &inputs, 1, |t| add_bias(&t[0], &t[1]));
    }
}
