//! Launches beyond the limits of a GPU.

use super::support::OP;
use crate::cuda::plans::{depthwise, pointwise};
use crate::shape::DepthwiseShape;

#[test]
fn a_launch_beyond_the_limits_is_an_error() {
    let error = pointwise::gelu(OP, &[1 << 40, 32]).unwrap_err().to_string();
    assert!(error.contains("smaller batches"), "{error}");
    let shape = DepthwiseShape::new(&[1 << 33, 4, 64, 64, 8], &[8, 1, 7, 7, 7], &[8]).unwrap();
    let error = depthwise::forward(OP, &shape).unwrap_err().to_string();
    assert!(error.contains("smaller batches"), "{error}");
}
