//! The mean squared error.

use candle_core::Result;

use super::support::fused_agrees;
use crate::cuda::fused;
use crate::objectives::mean_squared_error;

#[test]
fn agrees_with_the_cpu_and_so_does_the_gradient() -> Result<()> {
    for shape in [&[1, 1][..], &[7, 300], &[3, 50, 1000]] {
        fused_agrees(
            &format!("{shape:?}"),
            [shape],
            |[x]| mean_squared_error(x, &(x.detach() * 0.5)?)?.reshape((1, 1)),
            |[x]| fused::squared_error::mean_squared_error(x, &(x.detach() * 0.5)?)?.reshape((1, 1)),
        )?;
    }
    Ok(())
}
