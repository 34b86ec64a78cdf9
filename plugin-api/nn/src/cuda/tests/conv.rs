//! Dense convolution.

use candle_core::Result;

use super::support::fused_agrees;
use crate::cuda::fused::conv::in_chunks;
use crate::ops::conv;
use crate::shape::{Axis, ConvShape, Window};

#[test]
fn agrees_with_the_convolution_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
    let forms = [
        ([3, 2, 6, 5, 4], 5, [Axis::same(1), Axis::same(4), Axis::same(4)], 2),
        ([2, 4, 6, 4, 3], 7, [Axis::patches(2); 3], 1),
        ([1, 3, 5, 7, 2], 33, [Axis::same(3), Axis::padded(2, 1), Axis { kernel: 3, stride: 2, padding: (1, 0) }], 8),
    ];
    for (dims, filters, axes, samples) in forms {
        let [batch, t, h, w, channels] = dims;
        let [kt, kh, kw] = axes.map(|axis| axis.kernel);
        let window = Window::new(axes, [t, h, w], channels).unwrap();
        let shape = ConvShape { window, batch, filters };
        fused_agrees(
            &format!("{dims:?} with {axes:?}"),
            [&dims, &[filters, channels, kt, kh, kw], &[filters]],
            |[x, weight, bias]| conv(x, weight, bias, &axes),
            |[x, weight, bias]| in_chunks(x, weight, bias, shape, samples),
        )?;
    }
    Ok(())
}
