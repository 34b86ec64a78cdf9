//! ConvNeXt blocks.

use candle_core::{Result, Tensor};

use super::support::fused_agrees;
use crate::cuda::fused::convnext::{Blocks, chain};
use crate::ops;
use crate::shape::DepthwiseShape;

#[test]
fn blocks_on_a_gpu_agree_with_those_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
    // Partial chunks, and several blocks.
    let forms = [
        (&[2, 3, 5, 4, 6][..], &[7, 7, 7][..], 3, 50),
        (&[1, 15, 5, 33], &[7, 7], 1, 200),
        (&[1, 2, 4, 4, 3], &[3, 5, 3], 2, 7),
        // Channel counts with a kernel for the part after the convolution.
        (&[2, 3, 9, 10, 8], &[7, 7, 7], 2, 50),
        (&[1, 9, 6, 11, 16], &[7, 7, 7], 2, 50),
        (&[1, 2, 13, 20, 32], &[7, 7, 7], 1, 50),
    ];
    for (dims, kernel, blocks, rows) in forms {
        let channels: usize = dims[dims.len() - 1];
        let shape = [&[channels, 1], kernel].concat();
        let each = channels * (kernel.iter().product::<usize>() + 9 + 8 * channels);
        let depthwise = || match *kernel {
            [kh, kw] => {
                DepthwiseShape::new(&[dims[0], 1, dims[1], dims[2], channels], &[channels, 1, 1, kh, kw], &[channels])
            }
            _ => DepthwiseShape::new(dims, &shape, &[channels]),
        };
        // Small parameters, so that the branch does not dominate the input.
        let small = |parameters: &Tensor| parameters * 0.25;
        fused_agrees(
            &format!("{dims:?} with {kernel:?}"),
            [dims, &[blocks * each]],
            |[x, parameters]| ops::convnext::chain(x, &shape, (&small(parameters)?).into(), 1e-6),
            |[x, parameters]| {
                let mut blocks = Blocks::new(depthwise()?, 1e-6);
                blocks.rows = rows;
                chain(x, (&small(parameters)?).into(), blocks)
            },
        )?;
    }
    Ok(())
}
