//! The depthwise convolution against its definition.

use candle_core::{DType, Device, Tensor};
use physrep_nn::depthwise_conv;

use crate::support::{assert_close, check_gradients, normal, values};

type Case = ([usize; 5], [usize; 3]);

/// Shapes `(B, T, H, W, C)` and kernels: one channel, partial registers of channels, sides shorter than the kernel,
/// widths around the block of eight positions, kernels with every grouping of taps.
const CASES: [Case; 9] = [
    ([1, 1, 1, 1, 1], [1, 1, 1]),
    ([1, 2, 3, 4, 3], [7, 7, 7]),
    ([2, 3, 5, 9, 17], [3, 5, 7]),
    ([1, 4, 3, 20, 20], [3, 3, 9]),
    ([3, 1, 6, 13, 16], [1, 7, 7]),
    ([1, 2, 2, 2, 40], [7, 5, 11]),
    ([2, 5, 4, 8, 8], [5, 3, 1]),
    ([1, 3, 17, 5, 2], [1, 1, 13]),
    ([2, 2, 1, 31, 33], [3, 1, 3]),
];

fn inputs((x, kernel): Case) -> [Tensor; 3] {
    let [kt, kh, kw] = kernel;
    [normal(x.to_vec(), 1), normal((x[4], 1, kt, kh, kw), 2), normal(x[4], 3)]
}

fn naive((shape, kernel): Case, [x, weight, bias]: &[Tensor; 3]) -> Tensor {
    let [b, t, h, w, c] = shape;
    let [kt, kh, kw] = kernel;
    let (x, weight, bias) = (values(x), values(weight), values(bias));
    let mut y = Vec::new();
    for i in 0..b * t * h * w * c {
        let (ic, iw, ih) = (i % c, i / c % w, i / (c * w) % h);
        let (it, ib) = (i / (c * w * h) % t, i / (c * w * h * t));
        let mut sum = bias[ic];
        for tap in 0..kt * kh * kw {
            let (dt, dh, dw) = (tap / (kh * kw), tap / kw % kh, tap % kw);
            let (st, sh, sw) = (it + dt, ih + dh, iw + dw);
            let inside = |s: usize, k: usize, n: usize| (k / 2..n + k / 2).contains(&s);
            if inside(st, kt, t) && inside(sh, kh, h) && inside(sw, kw, w) {
                let (st, sh, sw) = (st - kt / 2, sh - kh / 2, sw - kw / 2);
                let at = (((ib * t + st) * h + sh) * w + sw) * c + ic;
                sum += x[at] * weight[ic * kt * kh * kw + tap];
            }
        }
        y.push(sum);
    }
    Tensor::from_vec(y, shape.to_vec(), &Device::Cpu).unwrap()
}

#[test]
fn agrees_with_the_definition() {
    for case in CASES {
        let inputs = inputs(case);
        let expected = naive(case, &inputs);
        let [x, weight, bias] = &inputs;
        let y = depthwise_conv(x, weight, bias).unwrap();
        assert_close(&y, &expected, 1e-13, &format!("f64 {case:?}"));
        let [x, weight, bias] = inputs.map(|t| t.to_dtype(DType::F32).unwrap());
        let y = depthwise_conv(&x, &weight, &bias).unwrap();
        assert_eq!(y.dtype(), DType::F32);
        assert_close(&y, &expected, 1e-5, &format!("f32 {case:?}"));
    }
}

#[test]
fn gradients_agree_with_differences() {
    for case in CASES {
        check_gradients(&inputs(case), |t| depthwise_conv(&t[0], &t[1], &t[2]));
    }
}

#[test]
fn gradients_in_f32_agree_with_f64() {
    for case in CASES {
        let gradients = |dtype| {
            let vars = inputs(case).map(|t| candle_core::Var::from_tensor(&t.to_dtype(dtype).unwrap()).unwrap());
            let y = depthwise_conv(&vars[0], &vars[1], &vars[2]).unwrap();
            let store = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            vars.map(|var| store.get(&var).unwrap().clone())
        };
        let (single, double) = (gradients(DType::F32), gradients(DType::F64));
        for (single, double) in single.iter().zip(&double) {
            assert_close(single, double, 1e-5, &format!("{case:?}"));
        }
    }
}

#[test]
fn two_dimensions_are_three_with_one_frame() {
    let (x, weight, bias) = (normal((2, 6, 5, 4), 1), normal((4, 1, 3, 5), 2), normal(4, 3));
    let flat = depthwise_conv(&x, &weight, &bias).unwrap();
    let (x, weight) = (x.unsqueeze(1).unwrap(), weight.unsqueeze(2).unwrap());
    let deep = depthwise_conv(&x, &weight, &bias).unwrap();
    assert_eq!(values(&flat), values(&deep));
    assert_eq!(flat.dims(), [2, 6, 5, 4]);
}

#[test]
fn strided_inputs_are_read_correctly() {
    let x = normal((2, 5, 3, 4, 6), 1);
    let (weight, bias) = (normal((6, 1, 3, 3, 3), 2), normal(6, 3));
    let swapped = x.transpose(2, 3).unwrap();
    let from_view = depthwise_conv(&swapped, &weight, &bias).unwrap();
    let from_copy = depthwise_conv(&swapped.contiguous().unwrap(), &weight, &bias).unwrap();
    assert_eq!(values(&from_view), values(&from_copy));
    let tail = x.narrow(0, 1, 1).unwrap();
    let from_view = depthwise_conv(&tail, &weight, &bias).unwrap();
    let from_copy = depthwise_conv(&tail.copy().unwrap(), &weight, &bias).unwrap();
    assert_eq!(values(&from_view), values(&from_copy));
}

#[test]
fn bad_input_is_an_error_with_a_reason() {
    let refuse = |x: Tensor, weight: Tensor, bias: Tensor, reason: &str| {
        let error = depthwise_conv(&x, &weight, &bias).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    let x = || normal((1, 2, 3, 4, 5), 1);
    refuse(x(), normal((5, 1, 3, 2, 3), 2), normal(5, 3), "odd");
    refuse(x(), normal((4, 1, 3, 3, 3), 2), normal(5, 3), "5 channels");
    refuse(x(), normal((5, 1, 3, 3, 3), 2), normal(4, 3), "5 channels");
    refuse(x(), normal((5, 1, 3, 3), 2), normal(5, 3), "(C, 1, kt, kh, kw)");
    refuse(normal((1, 2, 0, 4, 5), 1), normal((5, 1, 3, 3, 3), 2), normal(5, 3), "empty");
    let half = |t: Tensor| t.to_dtype(DType::F16).unwrap();
    let (weight, bias) = (normal((5, 1, 3, 3, 3), 2), normal(5, 3));
    refuse(half(x()), half(weight.clone()), half(bias.clone()), "f32 or f64");
    refuse(x(), weight.to_dtype(DType::F32).unwrap(), bias, "F64");
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
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
        crate::gpu::agrees(&format!("{dims:?} with {kernel:?}"), &inputs, 1, |i| depthwise_conv(&i[0], &i[1], &i[2]));
    }
}
