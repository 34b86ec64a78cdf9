//! The ConvNeXt block, one operation, against the same composed of single operations.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, Var};
use physrep_nn::{ConvNextBlock, Params, depthwise_conv, gelu, layer_norm};

use crate::support::{assert_close, check_gradients, normal};

/// A block with parameters that are all far from their initial values.
fn block(channels: usize, kernel: &[usize], dtype: DType) -> (ConvNextBlock, Params) {
    let params = Params::new(dtype, &Device::Cpu, 0);
    let block = ConvNextBlock::new(channels, kernel, 1e-6, params.clone()).unwrap();
    for (i, (_, var)) in params.named().into_iter().enumerate() {
        let values = normal(var.shape(), 50 + i as u64).to_dtype(dtype).unwrap();
        var.set(&values).unwrap();
    }
    (block, params)
}

fn composed(x: &Tensor, params: &Params) -> Result<Tensor> {
    let p: BTreeMap<String, Var> = params.named().into_iter().collect();
    let linear = |x: &Tensor, name: &str| {
        let weight = p[&format!("{name}.weight")].t()?;
        x.broadcast_matmul(&weight)?.broadcast_add(&p[&format!("{name}.bias")])
    };
    let y = depthwise_conv(x, &p["conv.weight"], &p["conv.bias"])?;
    let y = layer_norm(&y, &p["norm.weight"], &p["norm.bias"], 1e-6)?;
    let y = linear(&gelu(&linear(&y, "pwconv1")?)?, "pwconv2")?;
    x + y.broadcast_mul(&p["gamma"])?
}

/// One position, one channel, and more rows than a task or block.
const CASES: [(&[usize], &[usize]); 5] = [
    (&[1, 1, 1, 1, 3], &[3, 3, 3]),
    (&[2, 3, 2, 5, 1], &[1, 3, 3]),
    (&[1, 4, 5, 17], &[7, 7]),
    (&[3, 20, 30, 8], &[3, 3]),
    (&[2, 2, 19, 15, 33], &[1, 1, 3]),
];

#[test]
fn agrees_with_single_operations_and_so_do_all_gradients() {
    for (shape, kernel) in CASES {
        let (block, params) = block(shape[shape.len() - 1], kernel, DType::F64);
        let x = Var::from_tensor(&normal(shape, 1)).unwrap();
        let (got, expected) = (block.forward(&x).unwrap(), composed(&x, &params).unwrap());
        assert_close(&got, &expected, 1e-12, &format!("{shape:?}"));
        let projection = normal(shape, 2);
        let gradients = |y: Tensor| (y * &projection).unwrap().sum_all().unwrap().backward();
        let (got, expected) = (gradients(got).unwrap(), gradients(expected).unwrap());
        let mut vars = params.named();
        vars.push(("input".to_string(), x));
        for (name, var) in vars {
            let (got, expected) = (got.get(&var).unwrap(), expected.get(&var).unwrap());
            assert_close(got, expected, 1e-10, &format!("{shape:?}: {name}"));
        }
    }
}

#[test]
fn single_precision_agrees_with_double() {
    for (shape, kernel) in CASES {
        let (double, _) = block(shape[shape.len() - 1], kernel, DType::F64);
        let (single, _) = block(shape[shape.len() - 1], kernel, DType::F32);
        let x = normal(shape, 1);
        let got = single.forward(&x.to_dtype(DType::F32).unwrap()).unwrap();
        let expected = double.forward(&x).unwrap();
        assert_close(&got, &expected, 1e-5, &format!("{shape:?}"));
    }
}

#[test]
fn the_gradient_agrees_with_differences() {
    let (block, _) = block(5, &[3, 3], DType::F64);
    check_gradients(&[normal((2, 3, 4, 5), 1)], |t| block.forward(&t[0]));
}

#[test]
fn a_new_block_is_close_to_the_identity() {
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let block = ConvNextBlock::new(6, &[7, 7], 1e-6, params).unwrap();
    let x = normal((2, 5, 5, 6), 1);
    let y = block.forward(&x).unwrap();
    assert_close(&y, &x, 1e-5, "new block");
    assert!(block.forward(&normal((2, 5, 5, 7), 1)).is_err());
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    // Channel counts with a kernel of their own, and others.
    for (dims, kernel) in [
        ([2, 16, 24, 40, 16], [7, 7, 7]),
        ([3, 4, 17, 9, 8], [7, 7, 7]),
        ([2, 8, 33, 20, 32], [7, 7, 7]),
        ([2, 2, 14, 14, 64], [7, 7, 7]),
        ([2, 3, 9, 10, 24], [3, 5, 7]),
    ] {
        crate::gpu::block_agrees(&format!("{dims:?} with {kernel:?}"), &dims, |params, x| {
            ConvNextBlock::new(dims[4], &kernel, 0.5, params.clone())?.forward(x)
        });
    }
}
