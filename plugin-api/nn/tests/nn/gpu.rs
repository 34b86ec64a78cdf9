//! Comparison of an operation on a GPU with the CPU in f64: outputs and gradients, in f32 (1e-5 of the largest value) and with
//! bf16 activations (2e-2), and the same bytes twice. Each operation has a test `on_a_gpu` beside its others. Without a GPU
//! these tests print SKIPPED and pass; if the variable PHYSREP_REQUIRE_GPU is set, they fail.

use std::sync::OnceLock;

use candle_core::{DType, Device, Result, Tensor, Var};
use physrep_nn::Params;

use crate::support::{assert_close, normal, values};

/// Rows and channels: fewer and more than a block of either.
pub const ROWS: [(usize, usize); 6] = [(1, 3), (600, 130), (33, 64), (150_000, 16), (40_001, 32), (999, 128)];

/// The first GPU, shared by all tests, since the driver compiles the kernels once per device object.
pub fn gpu() -> Option<Device> {
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    let open = || match Device::new_cuda(0) {
        Ok(gpu) => Some(gpu),
        Err(why) => {
            assert!(std::env::var_os("PHYSREP_REQUIRE_GPU").is_none(), "the GPU cannot be used: {why}");
            println!("SKIPPED: no GPU ({why})");
            None
        }
    };
    GPU.get_or_init(open).clone()
}

/// Output and gradients at `inputs`; of these the first `activations` have type `dtype`, the others are parameters.
fn run(
    inputs: &[Tensor],
    activations: usize,
    [dtype, parameters]: [DType; 2],
    device: &Device,
    op: &dyn Fn(&[Tensor]) -> Result<Tensor>,
) -> Vec<Tensor> {
    let vars: Vec<Var> = inputs
        .iter()
        .enumerate()
        .map(|(i, input)| {
            // Rounded to bf16 first, so that the rounding of the input does not count as an error.
            let rounded = if dtype == DType::BF16 && i < activations { DType::BF16 } else { DType::F32 };
            let input = input.to_dtype(rounded).unwrap();
            let input = input.to_dtype(if i < activations { dtype } else { parameters }).unwrap();
            Var::from_tensor(&input.to_device(device).unwrap()).unwrap()
        })
        .collect();
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let y = op(&tensors).unwrap();
    let projection = normal(y.dims(), 99).to_dtype(DType::BF16).unwrap().to_dtype(y.dtype()).unwrap();
    let projected = (&y * projection.to_device(device).unwrap()).unwrap();
    let gradients = projected.to_dtype(parameters).unwrap().sum_all().unwrap().backward().unwrap();
    let mut all = vec![y];
    all.extend(vars.iter().map(|var| gradients.get(var).unwrap().clone()));
    all.iter().map(|tensor| tensor.to_device(&Device::Cpu).unwrap()).collect()
}

/// Compares an operation at `inputs`, of which the first `activations` may be bf16, with the CPU in f64.
pub fn agrees(what: &str, inputs: &[Tensor], activations: usize, op: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let Some(gpu) = gpu() else { return };
    let exact = |inputs: &[Tensor]| run(inputs, activations, [DType::F64, DType::F64], &Device::Cpu, &op);
    let rounded: Vec<Tensor> =
        inputs
            .iter()
            .enumerate()
            .map(|(i, t)| {
                if i < activations { t.to_dtype(DType::BF16).unwrap().to_dtype(DType::F64).unwrap() } else { t.clone() }
            })
            .collect();
    for (dtype, inputs, tolerance) in [(DType::F32, inputs, 1e-5), (DType::BF16, rounded.as_slice(), 2e-2)] {
        let expected = exact(inputs);
        let got = run(inputs, activations, [dtype, DType::F32], &gpu, &op);
        let again = run(inputs, activations, [dtype, DType::F32], &gpu, &op);
        for (i, ((got, again), expected)) in got.iter().zip(&again).zip(&expected).enumerate() {
            let what = format!("{what} in {dtype:?}: output or gradient {i}");
            assert_close(got, expected, tolerance, &what);
            assert_eq!(values(got), values(again), "{what} differs from run to run");
        }
    }
}

/// Compares a block with parameters at an input of shape `dims` with the CPU in f64: its output, and the gradients of the input and of
/// all parameters. `forward` builds the block with the parameters, and applies it.
pub fn block_agrees(what: &str, dims: &[usize], forward: impl Fn(&Params, &Tensor) -> Result<Tensor>) {
    let Some(gpu) = gpu() else { return };
    // Values that are exact in bf16.
    let [x, projection] = [1, 99].map(|seed| normal(dims, seed).to_dtype(DType::BF16).unwrap());
    let run = |device: &Device, [dtype, parameters]: [DType; 2]| -> Vec<(String, Tensor)> {
        let params = Params::new(parameters, device, 0);
        let [x, projection] = [&x, &projection].map(|t| t.to_device(device).unwrap().to_dtype(dtype).unwrap());
        let x = Var::from_tensor(&x).unwrap();
        let y = forward(&params, x.as_tensor()).unwrap();
        let projected = (&y * projection).unwrap().to_dtype(parameters).unwrap();
        let gradients = projected.sum_all().unwrap().backward().unwrap();
        let mut all = vec![("output".to_string(), y), ("x".to_string(), gradients.get(&x).unwrap().clone())];
        all.extend(params.named().into_iter().map(|(name, var)| (name, gradients.get(&var).unwrap().clone())));
        all.into_iter().map(|(name, tensor)| (name, tensor.to_device(&Device::Cpu).unwrap())).collect()
    };
    let expected = run(&Device::Cpu, [DType::F64, DType::F64]);
    for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::BF16, 2e-2)] {
        let (got, again) = (run(&gpu, [dtype, DType::F32]), run(&gpu, [dtype, DType::F32]));
        for (((name, expected), (_, got)), (_, again)) in expected.iter().zip(&got).zip(&again) {
            let what = format!("{what} in {dtype:?}: {name}");
            assert_close(got, expected, tolerance, &what);
            assert_eq!(values(got), values(again), "{what} differs from run to run");
        }
    }
}
