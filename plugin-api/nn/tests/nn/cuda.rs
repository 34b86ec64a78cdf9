//! Every operation on a GPU against the CPU in f64: outputs and gradients, in f32 (1e-5 of the largest value) and with
//! bf16 activations (2e-2), and the same bytes twice. Without a GPU these tests print SKIPPED and pass; if the variable
//! PHYSREP_REQUIRE_GPU is set, they fail.

use std::sync::OnceLock;

use candle_core::{DType, Device, Result, Tensor, Var};
use physrep_nn::{AdamW, AdamWConfig};
use physrep_nn::{
    Axis, ConvNextBlock, Params, add_bias, attention_pool, conv, depthwise_conv, gelu, instance_norm, layer_norm,
    linear, rms_instance_norm, self_attention, swap_axes,
};

use crate::support::{assert_close, normal, values};

/// The first GPU, shared by all tests, since the driver compiles the kernels once per device object.
fn gpu() -> Option<Device> {
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

fn agrees(what: &str, inputs: &[Tensor], activations: usize, op: impl Fn(&[Tensor]) -> Result<Tensor>) {
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

#[test]
fn depthwise_convolutions() {
    for (dims, kernel) in [
        ([2, 5, 9, 8, 33], [7, 7, 7]),
        ([1, 2, 3, 17, 130], [7, 7, 7]),
        ([3, 1, 16, 9, 65], [1, 7, 7]),
        ([1, 1, 1, 1, 1], [7, 7, 7]),
        ([2, 3, 4, 5, 40], [3, 5, 9]),
        // The first stage of the encoder of arXiv:2603.13227: more chunks than one thread sums.
        ([2, 16, 64, 64, 16], [7, 7, 7]),
    ] {
        let c = dims[4];
        let inputs = [normal(&dims, 1), normal([&[c, 1], &kernel[..]].concat(), 2), normal(c, 3)];
        agrees(&format!("{dims:?} with {kernel:?}"), &inputs, 1, |i| depthwise_conv(&i[0], &i[1], &i[2]));
    }
}

#[test]
fn convolutions() {
    let stem = [Axis::same(1), Axis::same(4), Axis::same(4)];
    for (dims, filters, axes) in [([2, 4, 6, 4, 17], 33, [Axis::patches(2); 3]), ([1, 3, 9, 7, 11], 16, stem)] {
        let [kt, kh, kw] = axes.map(|axis| axis.kernel);
        let inputs = [normal(&dims, 1), normal((filters, dims[4], kt, kh, kw), 2), normal(filters, 3)];
        agrees(&format!("{dims:?} with {axes:?}"), &inputs, 1, |i| conv(&i[0], &i[1], &i[2], &axes));
    }
}

#[test]
fn operations_on_rows() {
    for (rows, c) in [(1, 3), (600, 130), (33, 64), (150_000, 16), (40_001, 32), (999, 128)] {
        let what = format!("{rows} rows of {c}");
        let inputs = [normal((rows, c), 1), normal(c, 2), normal(c, 3)];
        agrees(&what, &inputs, 1, |i| layer_norm(&i[0], &i[1], &i[2], 1e-5));
        agrees(&what, &inputs[..1], 1, |i| gelu(&i[0]));
        agrees(&what, &inputs[..2], 1, |i| add_bias(&i[0], &i[1]));
        agrees(&what, &[normal((rows, c), 1), normal((40, c), 2), normal(40, 3)], 1, |i| linear(&i[0], &i[1], &i[2]));
    }
    for (tokens, heads, width) in [(53, 4, 8), (200, 3, 64)] {
        let qkv = normal((2, tokens, 3 * heads * width), 1);
        let bias = normal((heads, tokens, tokens), 2);
        agrees("attention", std::slice::from_ref(&qkv), 1, |i| self_attention(&i[0], None, heads));
        agrees("attention with a bias", &[qkv, bias], 1, |i| self_attention(&i[0], Some(&i[1]), heads));
    }
    let maps = [normal((3, 16, 196, 48), 1), normal(48, 2), normal(48, 3)];
    agrees("maps", &maps, 1, |i| instance_norm(&i[0], &i[1], &i[2], 1e-5));
    agrees("maps by their standard deviation", &maps[..2], 1, |i| rms_instance_norm(&i[0], &i[1], 1e-5));
    agrees("pool", &[normal((8, 24), 1), normal((3, 53, 24), 2)], 2, |i| attention_pool(&i[0], &i[1]));
}

/// A block as one operation, for channel counts with a kernel of their own, and for others.
#[test]
fn convnext_blocks() {
    let Some(gpu) = gpu() else { return };
    for (dims, kernel) in [
        ([2, 16, 24, 40, 16], [7, 7, 7]),
        ([3, 4, 17, 9, 8], [7, 7, 7]),
        ([2, 8, 33, 20, 32], [7, 7, 7]),
        ([2, 2, 14, 14, 64], [7, 7, 7]),
        ([2, 3, 9, 10, 24], [3, 5, 7]),
    ] {
        // Values that are exact in bf16.
        let [x, projection] = [1, 99].map(|seed| normal(&dims, seed).to_dtype(DType::BF16).unwrap());
        let run = |device: &Device, [dtype, parameters]: [DType; 2]| -> Vec<(String, Tensor)> {
            let params = Params::new(parameters, device, 0);
            let block = ConvNextBlock::new(dims[4], &kernel, 0.5, params.clone()).unwrap();
            let [x, projection] = [&x, &projection].map(|t| t.to_device(device).unwrap().to_dtype(dtype).unwrap());
            let x = Var::from_tensor(&x).unwrap();
            let y = block.forward(x.as_tensor()).unwrap();
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
                let what = format!("a block of {dims:?} with {kernel:?} in {dtype:?}: {name}");
                assert_close(got, expected, tolerance, &what);
                assert_eq!(values(got), values(again), "{what} differs from run to run");
            }
        }
    }
}

/// Steps of the optimizer on the GPU change every parameter as on the CPU.
#[test]
fn a_block_and_a_step_of_its_optimizer() {
    let Some(gpu) = gpu() else { return };
    let x = normal((2, 4, 9, 10, 24), 1);
    let trained = |device: &Device| {
        let params = Params::new(DType::F32, device, 0);
        let block = ConvNextBlock::new(24, &[7, 7, 7], 0.5, params.clone()).unwrap();
        let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
        let x = x.to_dtype(DType::F32).unwrap().to_device(device).unwrap();
        for _ in 0..3 {
            let gradients = block.forward(&x).unwrap().sqr().unwrap().mean_all().unwrap().backward().unwrap();
            optimizer.step(&gradients, 1e-3).unwrap();
        }
        params.named()
    };
    for ((name, on_gpu), (_, on_cpu)) in trained(&gpu).into_iter().zip(trained(&Device::Cpu)) {
        assert_close(&on_gpu.to_device(&Device::Cpu).unwrap(), &on_cpu, 1e-4, &name);
    }
}

#[test]
fn swapped_axes() {
    for dims in [[2, 11, 5000, 1], [3, 70, 131, 1], [2, 3, 50, 24], [2, 3, 50, 2]] {
        agrees(&format!("{dims:?} swapped"), &[normal(&dims, 1)], 1, |t| swap_axes(&t[0]));
    }
}
