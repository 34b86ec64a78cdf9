//! The fully connected layer.

use candle_core::Result;

use super::support::fused_agrees;
use crate::cuda::fused;
use crate::ops::linear;

#[test]
fn agrees_with_the_layer_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
    for (rows, inputs, outputs) in [(7, 5, 3), (200, 33, 40), (1, 1, 1)] {
        fused_agrees(
            &format!("{rows} rows of {inputs} to {outputs}"),
            [&[rows, inputs], &[outputs, inputs], &[outputs]],
            |[x, weight, bias]| linear(x, weight, bias),
            |[x, weight, bias]| fused::linear::linear(x, weight, bias),
        )?;
    }
    Ok(())
}
