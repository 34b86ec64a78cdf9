//! The dense convolution against its definition.

use candle_core::{DType, Device, Tensor};
use physrep_nn::{Axis, Conv, Params, conv};

use crate::support::{assert_close, check_gradients, normal, values};

struct Case {
    x: [usize; 5],
    outputs: usize,
    axes: [Axis; 3],
}

fn cases() -> Vec<Case> {
    let skewed = Axis { kernel: 3, stride: 2, padding: (2, 1) };
    vec![
        // The stem of the paper's encoder.
        Case { x: [2, 2, 5, 6, 3], outputs: 4, axes: [Axis::same(1), Axis::same(4), Axis::same(4)] },
        // Its downsampling, with an odd size whose last plane is dropped.
        Case { x: [1, 4, 5, 2, 17], outputs: 3, axes: [Axis::patches(2); 3] },
        Case { x: [1, 1, 1, 1, 1], outputs: 1, axes: [Axis::patches(1), Axis::padded(2, 1), Axis::padded(2, 1)] },
        Case { x: [3, 4, 3, 5, 2], outputs: 5, axes: [skewed, Axis::padded(2, 0), skewed] },
    ]
}

fn inputs(case: &Case) -> [Tensor; 3] {
    let [kt, kh, kw] = case.axes.map(|axis| axis.kernel);
    [normal(case.x.to_vec(), 1), normal((case.outputs, case.x[4], kt, kh, kw), 2), normal(case.outputs, 3)]
}

fn naive(case: &Case, [x, weight, bias]: &[Tensor; 3]) -> Tensor {
    let [b, t, h, w, c] = case.x;
    let [at, ah, aw] = case.axes;
    let out = |a: Axis, n: usize| (n + a.padding.0 + a.padding.1 - a.kernel) / a.stride + 1;
    let shape = [b, out(at, t), out(ah, h), out(aw, w), case.outputs];
    let (x, weight, bias) = (values(x), values(weight), values(bias));
    let input = |a: Axis, o: usize, k: usize, n: usize| -> Option<usize> {
        let i = (o * a.stride + k) as isize - a.padding.0 as isize;
        (i >= 0 && i < n as isize).then_some(i as usize)
    };
    let mut y = Vec::new();
    for ib in 0..b {
        for ot in 0..shape[1] {
            for oh in 0..shape[2] {
                for ow in 0..shape[3] {
                    for (o, &bias) in bias.iter().enumerate() {
                        let mut sum = bias;
                        for i in 0..c {
                            for kt in 0..at.kernel {
                                for kh in 0..ah.kernel {
                                    for kw in 0..aw.kernel {
                                        let (Some(it), Some(ih), Some(iw)) =
                                            (input(at, ot, kt, t), input(ah, oh, kh, h), input(aw, ow, kw, w))
                                        else {
                                            continue;
                                        };
                                        let x = x[(((ib * t + it) * h + ih) * w + iw) * c + i];
                                        let tap = ((o * c + i) * at.kernel + kt) * ah.kernel + kh;
                                        sum += x * weight[tap * aw.kernel + kw];
                                    }
                                }
                            }
                        }
                        y.push(sum);
                    }
                }
            }
        }
    }
    Tensor::from_vec(y, shape.to_vec(), &Device::Cpu).unwrap()
}

#[test]
fn agrees_with_the_definition() {
    for case in cases() {
        let inputs = inputs(&case);
        let expected = naive(&case, &inputs);
        let [x, weight, bias] = &inputs;
        let y = conv(x, weight, bias, &case.axes).unwrap();
        assert_close(&y, &expected, 1e-13, "f64");
        let [x, weight, bias] = inputs.map(|t| t.to_dtype(DType::F32).unwrap());
        let y = conv(&x, &weight, &bias, &case.axes).unwrap();
        assert_close(&y, &expected, 1e-5, "f32");
    }
}

#[test]
fn gradients_agree_with_differences() {
    for case in cases() {
        check_gradients(&inputs(&case), |t| conv(&t[0], &t[1], &t[2], &case.axes));
    }
}

#[test]
fn two_dimensions_are_three_with_one_frame() {
    let (x, weight, bias) = (normal((2, 5, 4, 3), 1), normal((6, 3, 2, 2), 2), normal(6, 3));
    let axes = [Axis::padded(2, 1), Axis::padded(2, 1)];
    let flat = conv(&x, &weight, &bias, &axes).unwrap();
    assert_eq!(flat.dims(), [2, 6, 5, 6]);
    let (x, weight) = (x.unsqueeze(1).unwrap(), weight.unsqueeze(2).unwrap());
    let axes = [Axis::patches(1), axes[0], axes[1]];
    let deep = conv(&x, &weight, &bias, &axes).unwrap();
    assert_eq!(values(&flat), values(&deep));
}

#[test]
fn bad_input_is_an_error_with_a_reason() {
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let layer = Conv::new(3, 4, &[Axis::patches(2); 3], params).unwrap();
    for (shape, reason) in [
        (vec![1, 4, 4, 4, 2], "weight (O, I, ..)"),
        (vec![1, 4, 4, 3], "weight (O, I, ..)"),
        (vec![1, 1, 4, 4, 3], "does not fit"),
        (vec![0, 4, 4, 4, 3], "empty"),
    ] {
        let error = layer.forward(&normal(shape, 1)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    let stem = [Axis::same(1), Axis::same(4), Axis::same(4)];
    for (dims, filters, axes) in [([2, 4, 6, 4, 17], 33, [Axis::patches(2); 3]), ([1, 3, 9, 7, 11], 16, stem)] {
        let [kt, kh, kw] = axes.map(|axis| axis.kernel);
        let inputs = [normal(&dims, 1), normal((filters, dims[4], kt, kh, kw), 2), normal(filters, 3)];
        crate::gpu::agrees(&format!("{dims:?} with {axes:?}"), &inputs, 1, |i| conv(&i[0], &i[1], &i[2], &axes));
    }
}
