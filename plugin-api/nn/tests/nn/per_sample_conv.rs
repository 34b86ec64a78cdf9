use candle_core::{DType, Device, Result, Tensor};
use physrep_nn::Edge::{self, Periodic, Reflect};
use physrep_nn::{per_sample_conv, per_sample_depthwise_conv};

use crate::support::{assert_close, check_gradients, normal, values};

const EDGES: [[Edge; 2]; 4] = [[Periodic, Periodic], [Periodic, Reflect], [Reflect, Periodic], [Reflect, Reflect]];

/// The point `i + offset` of an axis, mapped back onto the axis.
fn beyond(i: usize, offset: isize, len: usize, edge: Edge) -> usize {
    let (i, len) = (i as isize + offset, len as isize);
    let point = match edge {
        Periodic => i.rem_euclid(len),
        Reflect if i < 0 => -i,
        Reflect if i >= len => 2 * (len - 1) - i,
        Reflect => i,
    };
    point as usize
}

/// Every output is a sum over taps and inputs of `weight(sample, output, tap, input)`.
fn naive(x: &Tensor, outputs: usize, edges: [Edge; 2], weight: impl Fn(usize, usize, usize, usize) -> f64) -> Tensor {
    let (b, h, w, inputs) = x.dims4().unwrap();
    let x = values(x);
    let mut y = Vec::new();
    for at in 0..b * h * w * outputs {
        let (o, column, row, sample) = (at % outputs, at / outputs % w, at / outputs / w % h, at / outputs / w / h);
        let mut sum = 0.0;
        for tap in 0..9 {
            let row = beyond(row, tap as isize / 3 - 1, h, edges[0]);
            let column = beyond(column, tap as isize % 3 - 1, w, edges[1]);
            for i in 0..inputs {
                sum += weight(sample, o, tap, i) * x[((sample * h + row) * w + column) * inputs + i];
            }
        }
        y.push(sum);
    }
    Tensor::from_vec(y, (b, h, w, outputs), &Device::Cpu).unwrap()
}

fn single(t: &Tensor) -> Tensor {
    t.to_dtype(DType::F32).unwrap()
}

#[test]
fn dense_agrees_with_the_definition() {
    for (shape, outputs) in [((1, 2, 2, 1), 1), ((2, 3, 5, 4), 3), ((3, 8, 6, 8), 8), ((2, 4, 17, 11), 20)] {
        let (b, .., inputs) = shape;
        for edges in EDGES {
            let (x, weight) = (normal(shape, 1), normal((b, outputs, 9 * inputs), 2));
            let w = values(&weight);
            let expected = naive(&x, outputs, edges, |s, o, tap, i| w[((s * outputs + o) * 9 + tap) * inputs + i]);
            let what = format!("{shape:?} to {outputs} with {edges:?}");
            assert_close(&per_sample_conv(&x, &weight, edges).unwrap(), &expected, 1e-13, &what);
            assert_close(&per_sample_conv(&single(&x), &single(&weight), edges).unwrap(), &expected, 1e-5, &what);
        }
    }
}

#[test]
fn depthwise_agrees_with_the_definition() {
    for (shape, per_output) in [((1, 2, 2, 1), 1), ((2, 3, 5, 4), 2), ((3, 8, 6, 16), 1), ((2, 4, 17, 18), 3)] {
        let (b, .., inputs) = shape;
        for edges in EDGES {
            let (x, weight) = (normal(shape, 1), normal((b, 9, inputs), 2));
            let w = values(&weight);
            let of = |s: usize, o: usize, tap: usize, i: usize| {
                if i / per_output == o { w[(s * 9 + tap) * inputs + i] } else { 0.0 }
            };
            let expected = naive(&x, inputs / per_output, edges, of);
            let what = format!("{shape:?} by {per_output} with {edges:?}");
            let y = per_sample_depthwise_conv(&x, &weight, per_output, edges).unwrap();
            assert_close(&y, &expected, 1e-13, &what);
            let y = per_sample_depthwise_conv(&single(&x), &single(&weight), per_output, edges).unwrap();
            assert_close(&y, &expected, 1e-5, &what);
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    for edges in EDGES {
        let x = normal((2, 4, 3, 6), 1);
        check_gradients(&[x.clone(), normal((2, 5, 54), 2)], |t| per_sample_conv(&t[0], &t[1], edges));
        for per_output in [1, 2] {
            let inputs = [x.clone(), normal((2, 9, 6), 3)];
            check_gradients(&inputs, |t| per_sample_depthwise_conv(&t[0], &t[1], per_output, edges));
        }
    }
}

#[test]
fn a_point_that_is_its_own_neighbour_counts_as_often() -> Result<()> {
    let (x, weight) = (normal((1, 1, 1, 1), 1), normal((1, 1, 9), 2));
    let y = values(&per_sample_conv(&x, &weight, [Periodic; 2])?)[0];
    assert!((y - values(&x)[0] * values(&weight).iter().sum::<f64>()).abs() < 1e-14);
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let x = normal((2, 4, 4, 6), 1);
    let refuse = |result: Result<Tensor>, reason: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    refuse(per_sample_conv(&x, &normal((2, 5, 53), 2), [Periodic; 2]), "weight (B, O, 9 I)");
    refuse(per_sample_conv(&x, &normal((1, 5, 54), 2), [Periodic; 2]), "weight (B, O, 9 I)");
    refuse(per_sample_depthwise_conv(&x, &normal((2, 9, 6), 2), 4, [Periodic; 2]), "a multiple of 4");
    refuse(
        per_sample_conv(&normal((1, 1, 4, 1), 1), &normal((1, 1, 9), 2), [Reflect; 2]),
        "two or more points along a reflecting axis",
    );
}
