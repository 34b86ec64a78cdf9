//! Operations on rows: layer normalisation, element-wise operations, sums.

use candle_core::Tensor;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::support::{OP, assert_emulated, gradients, normal};
use crate::cuda::plans::{layer_norm as plans, pointwise, sums};
use crate::ops::{add_bias, gelu, layer_norm};

fn rows_agree(dims: &[usize], half: bool) {
    let what = format!("{dims:?}");
    let channels = dims[dims.len() - 1];
    let [x, z, dy] = [1, 2, 3].map(|seed| normal(dims, half, seed));
    let [weight, bias] = [4, 5].map(|seed| normal(&[channels], false, seed));
    let both = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 0).unwrap();

    let y = layer_norm(&x, &weight, &bias, 1e-5).unwrap();
    let [dx, dweight, dbias] = gradients(&y, &dy, [&x, &weight, &bias]);
    assert_emulated(plans::forward(OP, dims, 1e-5), half, &[&x, &weight, &bias], &[&y], &what);
    // A row of one channel equals its mean: its gradient is round-off alone.
    if channels > 1 {
        assert_emulated(plans::backward(OP, dims, 1e-5), half, &[&x, &weight, &dy], &[&dx, &dweight, &dbias], &what);
    }

    let y = gelu(&x).unwrap();
    let [dx] = gradients(&y, &dy, [&x]);
    assert_emulated(pointwise::gelu(OP, dims), half, &[&x], &[&y], &what);
    assert_emulated(pointwise::gelu_backward(OP, dims), half, &[&x, &dy], &[&dx], &what);

    let y = add_bias(&x, &bias).unwrap();
    let [dbias] = gradients(&y, &dy, [&bias]);
    assert_emulated(pointwise::bias(OP, dims), half, &[&x, &bias], &[&y], &what);
    assert_emulated(sums::columns(OP, dims), half, &[&dy], &[&dbias], &what);

    let y = gelu(&y).unwrap();
    let [dx] = gradients(&y, &dy, [&x]);
    assert_emulated(pointwise::bias_gelu(OP, dims), half, &[&x, &bias], &[&y], &what);
    assert_emulated(pointwise::bias_gelu_backward(OP, dims), half, &[&x, &bias, &dy], &[&dx], &what);

    let y = (x.as_tensor() + add_bias(&z, &bias).unwrap().broadcast_mul(&weight).unwrap()).unwrap();
    let [dz] = gradients(&y, &dy, [&z]);
    let parameters = both(&bias, &weight);
    assert_emulated(pointwise::residual(OP, dims), half, &[&x, &z, &parameters], &[&y], &what);
    assert_emulated(pointwise::residual_backward(OP, dims), half, &[&dy, &parameters], &[&dz], &what);
}

#[test]
fn agree_where_blocks_and_chunks_end() {
    for half in [false, true] {
        rows_agree(&[1, 1], half);
        rows_agree(&[2, 3, 7, 5], half);
        rows_agree(&[1, 33, 130], half);
        rows_agree(&[5000, 3], half);
        // Eight, two and one rows per warp.
        rows_agree(&[3, 1500, 16], half);
        rows_agree(&[77, 64], half);
        rows_agree(&[130, 128], half);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn agree_at_drawn_shapes(rows in 1usize..=600, channels in 1usize..=130, half: bool) {
        rows_agree(&[rows, channels], half);
    }
}
