use candle_core::{DType, Device, Result, Tensor};
use physrep_nn::group_norm;

use crate::support::{assert_close, check_gradients, normal, values};

/// Samples, positions, channels, groups.
const CASES: [[usize; 4]; 5] = [[1, 1, 4, 2], [2, 5, 6, 3], [3, 7, 8, 8], [2, 33, 12, 1], [1, 2500, 4, 2]];
const EPS: f64 = 1e-5;

fn naive([samples, positions, channels, groups]: [usize; 4], x: &Tensor, weight: &Tensor) -> Tensor {
    let (x, weight) = (values(x), values(weight));
    let per_group = channels / groups;
    let mut y = vec![0.0; x.len()];
    for sample in 0..samples {
        for group in 0..groups {
            let elements: Vec<usize> = (0..positions * per_group)
                .map(|i| (sample * positions + i / per_group) * channels + group * per_group + i % per_group)
                .collect();
            let count = elements.len() as f64;
            let mean = elements.iter().map(|&i| x[i]).sum::<f64>() / count;
            let variance = elements.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / count;
            for i in elements {
                y[i] = (x[i] - mean) / (variance + EPS).sqrt() * weight[i % channels];
            }
        }
    }
    Tensor::from_vec(y, (samples, positions, channels), &Device::Cpu).unwrap()
}

#[test]
fn agrees_with_the_definition() {
    for case in CASES {
        let [samples, positions, channels, groups] = case;
        let (x, weight) = ((normal((samples, positions, channels), 1) + 3.0).unwrap(), normal(channels, 2));
        let expected = naive(case, &x, &weight);
        assert_close(&group_norm(&x, Some(&weight), groups, EPS).unwrap(), &expected, 1e-12, &format!("f64 {case:?}"));
        let single = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
        let y = group_norm(&single(&x), Some(&single(&weight)), groups, EPS).unwrap();
        // A single position in f32 loses digits to its mean.
        assert_close(&y, &expected, 2e-5, &format!("f32 {case:?}"));
        let plain = naive(case, &x, &weight.ones_like().unwrap());
        assert_close(&group_norm(&x, None, groups, EPS).unwrap(), &plain, 1e-12, &format!("no weight {case:?}"));
    }
}

#[test]
fn gradients_agree_with_differences() {
    for [samples, positions, channels, groups] in CASES {
        let inputs = [normal((samples, positions, channels), 1), normal(channels, 2)];
        check_gradients(&inputs, |t| group_norm(&t[0], Some(&t[1]), groups, EPS));
        check_gradients(&inputs[..1], |t| group_norm(&t[0], None, groups, EPS));
    }
}

#[test]
fn space_may_have_any_number_of_axes() -> Result<()> {
    let x = normal((2, 3, 4, 6), 1);
    let flat = group_norm(&x.reshape((2, 12, 6))?, None, 3, EPS)?;
    assert_eq!(values(&group_norm(&x, None, 3, EPS)?), values(&flat));
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let refuse = |weight: Option<&Tensor>, groups, reason: &str| {
        let error = group_norm(&normal((2, 3, 6), 1), weight, groups, EPS).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    refuse(None, 4, "4 groups do not divide 6 channels");
    refuse(None, 0, "0 groups");
    refuse(Some(&normal(5, 1)), 3, "expected a weight (6)");
}
