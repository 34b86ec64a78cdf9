//! Bias and layer scale against candle's broadcasting.

use candle_core::DType;
use physrep_nn::{add_bias, scale_add};

use crate::support::{check_gradients, normal, values};

#[test]
fn values_are_those_of_broadcasting() {
    for shape in [&[1, 1][..], &[2, 3, 17], &[1500, 5]] {
        let (x, branch) = (normal(shape, 1), normal(shape, 2));
        let c = normal(shape[shape.len() - 1], 3);
        let expected = x.broadcast_add(&c).unwrap();
        assert_eq!(values(&add_bias(&x, &c).unwrap()), values(&expected));
        let expected = (&x + branch.broadcast_mul(&c).unwrap()).unwrap();
        assert_eq!(
            values(&scale_add(&x, &branch, &c).unwrap()),
            values(&expected)
        );
    }
}

#[test]
fn gradients_agree_with_differences() {
    for shape in [&[1, 1][..], &[2, 3, 17], &[1500, 5]] {
        let (x, branch) = (normal(shape, 1), normal(shape, 2));
        let c = normal(shape[shape.len() - 1], 3);
        check_gradients(&[x.clone(), c.clone()], |t| add_bias(&t[0], &t[1]));
        check_gradients(&[x, branch, c], |t| scale_add(&t[0], &t[1], &t[2]));
    }
}

#[test]
fn bad_input_is_refused_with_a_reason() {
    let error = add_bias(&normal((2, 3), 1), &normal(2, 2)).unwrap_err();
    assert!(error.to_string().contains("[2, 3] and [2]"), "{error}");
    let error = scale_add(&normal((2, 3), 1), &normal((3, 3), 2), &normal(3, 3)).unwrap_err();
    assert!(error.to_string().contains("differ in shape"), "{error}");
    let single = normal(3, 2).to_dtype(DType::F32).unwrap();
    let error = add_bias(&normal((2, 3), 1), &single).unwrap_err();
    assert!(error.to_string().contains("must be F64"), "{error}");
}
