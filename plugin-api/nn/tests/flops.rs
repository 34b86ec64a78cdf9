//! Operations are counted by their definitions. In a test binary of its own, since the counter is global to the
//! process.

use candle_core::{DType, Device, Result, Tensor, Var};
use physrep_nn::{Axis, Conv, ConvNextBlock, DepthwiseConv, Linear, Params, flops};

/// The operations that `run` counts, with or without a backward pass of its result.
fn counted(backward: bool, run: impl FnOnce() -> Result<Tensor>) -> Result<u64> {
    flops::step_begins();
    let before = flops::total();
    let y = run()?;
    if backward {
        y.sum_all()?.backward()?;
        flops::backward_ran();
    }
    Ok(flops::total() - before)
}

#[test]
fn operations_are_counted_by_their_definitions() -> Result<()> {
    let device = Device::Cpu;
    let params = Params::new(DType::F32, &device, 0);
    let data = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &device);

    let linear = Linear::new(3, 5, params.pp("linear"))?;
    let x = data(&[2, 7, 3])?;
    assert_eq!(counted(false, || linear.forward(&x))?, 2 * 14 * 15);
    // The gradient of the weight, but none of the data; then both.
    assert_eq!(counted(true, || linear.forward(&x))?, 2 * (2 * 14 * 15));
    let learned = Var::from_tensor(&x)?;
    assert_eq!(counted(true, || linear.forward(&learned))?, 3 * (2 * 14 * 15));
    // A forward pass without a backward pass is not counted by a later one.
    assert_eq!(counted(false, || linear.forward(&learned))?, 2 * 14 * 15);
    assert_eq!(counted(true, || linear.forward(&x))?, 2 * (2 * 14 * 15));

    // 2 + 3 + 2 taps along each side of a field of 3 points.
    let depthwise = DepthwiseConv::new(4, &[3, 3], params.pp("depthwise"))?;
    let field = data(&[2, 3, 3, 4])?;
    assert_eq!(counted(false, || depthwise.forward(&field))?, 2 * (2 * 7 * 7 * 4));

    let conv = Conv::new(4, 6, &[Axis::patches(1), Axis::patches(2), Axis::patches(2)], params.pp("conv"))?;
    let clip = data(&[2, 3, 5, 4, 4])?;
    assert_eq!(counted(false, || conv.forward(&clip))?, 2 * (2 * 3 * 4 * 4) * (4 * 6));

    let block = ConvNextBlock::new(4, &[3, 3], 1.0, params.pp("block"))?;
    assert_eq!(counted(false, || block.forward(&field))?, 2 * (2 * 7 * 7 * 4) + 2 * (2 * 9) * (2 * 4 * 16));
    Ok(())
}
