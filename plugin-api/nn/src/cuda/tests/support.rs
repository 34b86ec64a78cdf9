//! Inputs and comparisons that the tests share.

use candle_core::{DType, Device, Result, Tensor, Var};
use half::bf16;

use crate::cuda::emulation::{emulate, floats, possible};
use crate::cuda::plan::Plan;
use crate::rng::Rng;

pub(super) const OP: &str = "test";

/// Standard normal values that are exact in f32, and in bf16 too if `half`; in f64.
pub(super) fn normal(dims: &[usize], half: bool, seed: u64) -> Var {
    let exact = Rng::new(seed, "emulation", 0).normal(dims, DType::F32, &Device::Cpu).unwrap();
    let values = floats(&exact).into_iter().map(|v| if half { bf16::from_f32(v).to_f32() } else { v } as f64);
    Var::from_tensor(&Tensor::from_vec(values.collect::<Vec<f64>>(), dims, &Device::Cpu).unwrap()).unwrap()
}

/// Compares the output of a plan with what it should be, relative to the largest element.
pub(super) fn assert_emulated(plan: Result<Plan>, half: bool, inputs: &[&Tensor], expected: &[&Tensor], what: &str) {
    let Some([got, _]) = emulate(&plan.unwrap(), half, inputs) else { return };
    let got = got.concat();
    let expected: Vec<f32> = expected.iter().flat_map(|tensor| floats(tensor)).collect();
    compare(&got, &expected, half, what);
}

pub(super) fn compare(got: &[f32], expected: &[f32], half: bool, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3f32, |largest, value| largest.max(value.abs()));
    let tolerance = if half { 2e-2 } else { 1e-5 };
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got - expected).abs() / scale;
        assert!(error <= tolerance, "{what}, half: {half}, element {i}: {got}, expected {expected}");
    }
}

/// Compares an operation on an emulated GPU, in f32 and in bf16, with the CPU's in f64: its output, and the gradients
/// of all arguments. The first argument is an activation, the others are parameters.
pub(super) fn fused_agrees<const N: usize>(
    what: &str,
    shapes: [&[usize]; N],
    on_cpu: impl Fn([&Tensor; N]) -> Result<Tensor>,
    on_gpu: impl Fn([&Tensor; N]) -> Result<Tensor>,
) -> Result<()> {
    if !possible() {
        return Ok(());
    }
    // Values that are exact in bf16, so that converting the inputs adds no error.
    let mut seed = 0;
    let exact = shapes.map(|shape| {
        seed += 1;
        normal(shape, true, seed)
    });
    let run = |vars: [&Var; N], operation: &dyn Fn([&Tensor; N]) -> Result<Tensor>| -> Result<Vec<Vec<f32>>> {
        let y = operation(vars.map(|var| var.as_tensor()))?;
        let dy = normal(y.dims(), true, 99).to_dtype(y.dtype())?;
        let all = [vec![y.clone()], gradients(&y, &dy, vars).to_vec()].concat();
        Ok(all.iter().map(floats).collect())
    };
    let expected = run(exact.each_ref(), &on_cpu)?;
    for half in [false, true] {
        let mut activation = true;
        let vars = exact.each_ref().map(|var| {
            let dtype = if half && std::mem::take(&mut activation) { DType::BF16 } else { DType::F32 };
            Var::from_tensor(&var.to_dtype(dtype).unwrap()).unwrap()
        });
        for (i, (got, expected)) in run(vars.each_ref(), &on_gpu)?.iter().zip(&expected).enumerate() {
            compare(got, expected, half, &format!("{what}: output or gradient {i}"));
        }
    }
    Ok(())
}

/// The gradients of `y`, projected on `dy`, with respect to the variables.
pub(super) fn gradients<const N: usize>(y: &Tensor, dy: &Tensor, vars: [&Var; N]) -> [Tensor; N] {
    let gradients = (y * dy).unwrap().sum_all().unwrap().backward().unwrap();
    vars.map(|var| gradients.get(var).unwrap().clone())
}
