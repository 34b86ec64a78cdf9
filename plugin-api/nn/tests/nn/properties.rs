//! Operations at drawn shapes, against the same composed of candle's own operations in f64, and so all gradients.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use physrep_nn::{
    Axis, ConvNextBlock, Params, add_bias, attention_pool, conv, depthwise_conv, gelu, layer_norm, linear,
    self_attention, softmax,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::{assert_close, check_gradients, normal};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// `x`, padded with zeros, at `taps` along the three axes after the first.
fn read(x: &Tensor, axes: &[Axis; 3], taps: [usize; 3], outputs: [usize; 3]) -> Result<Tensor> {
    let mut x = x.clone();
    for (i, axis) in axes.iter().enumerate() {
        x = x.pad_with_zeros(i + 1, axis.padding.0, axis.padding.1)?;
        let at: Vec<u32> = (0..outputs[i]).map(|o| (o * axis.stride + taps[i]) as u32).collect();
        x = x.index_select(&Tensor::new(at, &Device::Cpu)?, i + 1)?;
    }
    Ok(x)
}

fn taps(kernel: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let [_, h, w] = kernel;
    (0..kernel.iter().product()).map(move |i| [i / (h * w), i / w % h, i % w])
}

fn at(weight: &Tensor, [t, h, w]: [usize; 3]) -> Result<Tensor> {
    weight.narrow(2, t, 1)?.narrow(3, h, 1)?.narrow(4, w, 1)?.flatten_from(2)?.squeeze(D::Minus1)
}

fn depthwise_reference(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, t, h, w, _) = x.dims5()?;
    let kernel: [usize; 3] = weight.dims()[2..].try_into().unwrap();
    let mut y = x.zeros_like()?.broadcast_add(bias)?;
    for tap in taps(kernel) {
        let read = read(x, &kernel.map(Axis::same), tap, [t, h, w])?;
        y = (y + read.broadcast_mul(&at(weight, tap)?.squeeze(1)?)?)?;
    }
    Ok(y)
}

fn conv_reference(x: &Tensor, weight: &Tensor, bias: &Tensor, axes: &[Axis; 3]) -> Result<Tensor> {
    let size = &x.dims()[1..4];
    let outputs: Vec<usize> = axes
        .iter()
        .zip(size)
        .map(|(axis, size)| (size + axis.padding.0 + axis.padding.1 - axis.kernel) / axis.stride + 1)
        .collect();
    let mut y = None;
    for tap in taps(axes.each_ref().map(|axis| axis.kernel)) {
        let term = read(x, axes, tap, outputs.clone().try_into().unwrap())?.broadcast_matmul(&at(weight, tap)?.t()?)?;
        y = Some(match y {
            None => term,
            Some(y) => (y + term)?,
        });
    }
    y.unwrap().broadcast_add(bias)
}

fn norm_reference(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    centred.broadcast_div(&deviation)?.broadcast_mul(weight)?.broadcast_add(bias)
}

// candle's `gelu_erf` has constants of single precision in its gradient.
fn gelu_reference(x: &Tensor) -> Result<Tensor> {
    (x * ((x / 2f64.sqrt())?.erf()? + 1.0)?)? * 0.5
}

fn attention_reference(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (b, n, width) = qkv.dims3()?;
    let dim = width / 3 / heads;
    let parts = qkv.reshape((b, n, 3, heads, dim))?.permute((2, 0, 3, 1, 4))?.contiguous()?;
    let [q, k, v] = [0, 1, 2].map(|i| parts.get(i));
    let scores = (q?.matmul(&k?.t()?)? / (dim as f64).sqrt())?;
    let weights = scores.exp()?;
    let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
    weights.matmul(&v?)?.transpose(1, 2)?.reshape((b, n, heads * dim))
}

/// Outputs and gradients of `op` in f64 (1e-10 of the largest value) and f32 (2e-5) against those of `reference`.
fn agree(
    what: &str,
    inputs: &[Tensor],
    op: impl Fn(&[Tensor]) -> Result<Tensor>,
    reference: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let run = |f: &dyn Fn(&[Tensor]) -> Result<Tensor>, dtype: DType| {
        let vars: Vec<Var> = inputs.iter().map(|t| Var::from_tensor(&t.to_dtype(dtype).unwrap()).unwrap()).collect();
        let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let y = f(&tensors).unwrap();
        let projection = normal(y.dims(), 99).to_dtype(dtype).unwrap();
        let gradients = (&y * projection).unwrap().sum_all().unwrap().backward().unwrap();
        let mut all = vec![y];
        all.extend(vars.iter().map(|var| gradients.get(var).unwrap().clone()));
        all
    };
    let expected = run(&reference, DType::F64);
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 2e-5)] {
        for (i, (got, expected)) in run(&op, dtype).iter().zip(&expected).enumerate() {
            assert_close(got, expected, tolerance, &format!("{what} in {dtype:?}: output or gradient {i}"));
        }
    }
}

/// Sides from one position to a few of the kernels' tiles.
fn side() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..=9, 1usize..=33]
}

fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..=17, 1usize..=130]
}

fn odd(largest: usize) -> impl Strategy<Value = usize> {
    (0..=largest / 2).prop_map(|half| 2 * half + 1)
}

/// Few enough elements that a reference takes milliseconds.
fn small(dims: &[usize], most: usize) -> bool {
    dims.iter().product::<usize>() <= most
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn depthwise_convolutions(
        b in 1usize..=3, t in 1usize..=6, h in side(), w in side(), c in channels(),
        kernel in prop_oneof![Just([7, 7, 7]), Just([1, 7, 7]), [odd(5), odd(9), odd(9)]],
    ) {
        prop_assume!(small(&[b, t, h, w, c], 30_000));
        let inputs = [normal((b, t, h, w, c), 1), normal([&[c, 1], &kernel[..]].concat(), 2), normal(c, 3)];
        agree(
            &format!("{:?} with {kernel:?}", inputs[0].dims()),
            &inputs,
            |i| depthwise_conv(&i[0], &i[1], &i[2]),
            |i| depthwise_reference(&i[0], &i[1], &i[2]),
        );
    }

    #[test]
    fn depthwise_convolutions_of_two_dimensions(
        b in 1usize..=3, h in side(), w in side(), c in channels(), kernel in prop_oneof![Just([7, 7]), [odd(9), odd(9)]],
    ) {
        prop_assume!(small(&[b, h, w, c], 30_000));
        let [kh, kw] = kernel;
        let inputs = [normal((b, h, w, c), 1), normal((c, 1, kh, kw), 2), normal(c, 3)];
        agree(
            &format!("{:?} with {kernel:?}", inputs[0].dims()),
            &inputs,
            |i| depthwise_conv(&i[0], &i[1], &i[2]),
            |i| depthwise_reference(&i[0].unsqueeze(1)?, &i[1].unsqueeze(2)?, &i[2])?.squeeze(1),
        );
    }

    #[test]
    fn convolutions(
        b in 1usize..=2, size in [1usize..=6, 1usize..=17, 1usize..=17], c in 1usize..=40, filters in 1usize..=40,
        axes in proptest::array::uniform3((1usize..=4, 1usize..=3, 0usize..=3, 0usize..=3)),
    ) {
        let axes = axes.map(|(kernel, stride, before, after)| Axis { kernel, stride, padding: (before, after) });
        prop_assume!(axes.iter().zip(size).all(|(axis, n)| n + axis.padding.0 + axis.padding.1 >= axis.kernel));
        let [t, h, w] = size;
        prop_assume!(small(&[b, t, h, w, c], 10_000));
        let [kt, kh, kw] = axes.map(|axis| axis.kernel);
        let inputs = [normal((b, t, h, w, c), 1), normal((filters, c, kt, kh, kw), 2), normal(filters, 3)];
        agree(
            &format!("{:?} to {filters} filters with {axes:?}", inputs[0].dims()),
            &inputs,
            |i| conv(&i[0], &i[1], &i[2], &axes),
            |i| conv_reference(&i[0], &i[1], &i[2], &axes),
        );
    }

    // Two channels at least: a row of one channel equals its mean, and its gradient is round-off alone.
    #[test]
    fn layer_norms(rows in 1usize..=400, c in 2usize..=130) {
        let inputs = [normal((rows, c), 1), normal(c, 2), normal(c, 3)];
        agree(
            &format!("{rows} rows of {c}"),
            &inputs,
            |i| layer_norm(&i[0], &i[1], &i[2], 1e-5),
            |i| norm_reference(&i[0], &i[1], &i[2], 1e-5),
        );
    }

    #[test]
    fn gelus(count in 1usize..=20_000, scale in prop_oneof![Just(0.1), Just(1.0), Just(5.0)]) {
        let inputs = [(normal(count, 1) * scale).unwrap()];
        agree(&format!("{count} of scale {scale}"), &inputs, |i| gelu(&i[0]), |i| gelu_reference(&i[0]));
    }

    #[test]
    fn linear_layers(b in 1usize..=3, n in 1usize..=70, inputs in channels(), outputs in channels()) {
        let tensors = [normal((b, n, inputs), 1), normal((outputs, inputs), 2), normal(outputs, 3)];
        agree(
            &format!("({b}, {n}, {inputs}) to {outputs}"),
            &tensors,
            |i| linear(&i[0], &i[1], &i[2]),
            |i| i[0].broadcast_matmul(&i[1].t()?)?.broadcast_add(&i[2]),
        );
    }

    #[test]
    fn biases(rows in 1usize..=2000, c in channels()) {
        let inputs = [normal((rows, c), 1), normal(c, 2)];
        agree(&format!("{rows} rows of {c}"), &inputs, |i| add_bias(&i[0], &i[1]), |i| i[0].broadcast_add(&i[1]));
    }

    #[test]
    fn self_attentions(b in 1usize..=3, n in 1usize..=70, heads in 1usize..=4, dim in 1usize..=33) {
        let inputs = [normal((b, n, 3 * heads * dim), 1)];
        agree(
            &format!("({b}, {n}) with {heads} heads of {dim}"),
            &inputs,
            |i| self_attention(&i[0], None, heads),
            |i| attention_reference(&i[0], heads),
        );
    }

    #[test]
    fn attention_pools(b in 1usize..=5, n in 1usize..=150, heads in 1usize..=17, dim in channels()) {
        // Scores of order one, as in a trained head.
        let inputs = [(normal((heads, dim), 1) / (dim as f64).sqrt()).unwrap(), normal((b, n, dim), 2)];
        agree(
            &format!("{heads} queries of ({b}, {n}, {dim})"),
            &inputs,
            |i| attention_pool(&i[0], &i[1]),
            |i| softmax(&i[1].broadcast_matmul(&i[0].t()?)?.transpose(1, 2)?.contiguous()?)?.matmul(&i[1]),
        );
    }

    #[test]
    fn convnext_blocks(
        b in 1usize..=2, t in 1usize..=4, h in side(), w in side(), c in 2usize..=40, kernel in [odd(7), odd(7), odd(7)],
    ) {
        prop_assume!(small(&[b, t, h, w, c], 10_000));
        let shape = [b, t, h, w, c];
        let [kt, kh, kw] = kernel;
        let sizes: [&[usize]; 9] = [&[c, 1, kt, kh, kw], &[c], &[c], &[c], &[4 * c, c], &[4 * c], &[c, 4 * c], &[c], &[c]];
        let names = ["conv.weight", "conv.bias", "norm.weight", "norm.bias", "pwconv1.weight", "pwconv1.bias",
            "pwconv2.weight", "pwconv2.bias", "gamma"];
        let mut inputs = vec![normal(&shape, 1)];
        // Of the size of trained weights, so that no sum dominates the others.
        inputs.extend(sizes.iter().enumerate().map(|(i, size)| {
            let terms = size[1..].iter().product::<usize>() as f64;
            (normal(*size, 10 + i as u64) / terms.sqrt()).unwrap()
        }));
        let block = |i: &[Tensor]| {
            let params = Params::new(i[0].dtype(), &Device::Cpu, 0);
            let block = ConvNextBlock::new(c, &kernel, 1.0, params.clone())?;
            for (name, var) in params.named() {
                let which = names.iter().position(|n| *n == name).unwrap();
                var.set(&i[1 + which])?;
            }
            block.forward(&i[0])
        };
        let reference = |i: &[Tensor]| {
            let y = norm_reference(&depthwise_reference(&i[0], &i[1], &i[2])?, &i[3], &i[4], 1e-6)?;
            let y = gelu_reference(&y.broadcast_matmul(&i[5].t()?)?.broadcast_add(&i[6])?)?;
            &i[0] + y.broadcast_matmul(&i[7].t()?)?.broadcast_add(&i[8])?.broadcast_mul(&i[9])?
        };
        // The block owns its parameters, so its outputs are compared here, its gradients in `convnext`.
        let expected = reference(&inputs).unwrap();
        for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 2e-5)] {
            let inputs: Vec<Tensor> = inputs.iter().map(|t| t.to_dtype(dtype).unwrap()).collect();
            assert_close(&block(&inputs).unwrap(), &expected, tolerance, &format!("{shape:?} with {kernel:?} in {dtype:?}"));
        }
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn finite_differences(
        dims in [1usize..=2, 1usize..=4, 1usize..=9, 1usize..=9, 1usize..=20],
        kernel in [odd(7), odd(7), odd(7)], filters in 1usize..=9,
    ) {
        let [b, _, _, _, c] = dims;
        let x = normal(&dims, 1);
        let row = [normal((b * 5, c + 1), 1), normal(c + 1, 2), normal(c + 1, 3)];
        check_gradients(
            &[x.clone(), normal([&[c, 1], &kernel[..]].concat(), 2), normal(c, 3)],
            |i| depthwise_conv(&i[0], &i[1], &i[2]),
        );
        check_gradients(
            &[x, normal([&[filters, c], &kernel[..]].concat(), 2), normal(filters, 3)],
            |i| conv(&i[0], &i[1], &i[2], &kernel.map(Axis::same)),
        );
        check_gradients(&row, |i| layer_norm(&i[0], &i[1], &i[2], 1e-5));
        check_gradients(&row[..1], |i| gelu(&i[0]));
        check_gradients(&[row[0].clone(), normal((filters, c + 1), 4), normal(filters, 5)], |i| linear(&i[0], &i[1], &i[2]));
        check_gradients(&[normal((b, 6, 6 * c), 6)], |i| self_attention(&i[0], None, 2));
    }
}
