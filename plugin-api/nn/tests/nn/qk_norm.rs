//! Normalised queries and keys against their definition.

use candle_core::{DType, Device, Tensor};
use physrep_nn::{Params, QkNorm};

use crate::support::{assert_close, normal, values};

/// The queries and keys of each head have mean 0 and variance 1, times a weight, plus a bias; values are unchanged.
#[test]
fn queries_and_keys_are_normalised_by_head() {
    let (rows, dim, heads) = (6, 8, 2);
    let params = Params::new(DType::F64, &Device::Cpu, 1);
    let norm = QkNorm::new(dim, heads, 1e-5, params.pp("q"), params.pp("k")).unwrap();
    for (i, (_, var)) in params.named().iter().enumerate() {
        var.set(&normal(var.shape(), 10 + i as u64)).unwrap();
    }
    let per_head: Vec<Vec<f64>> = params.named().iter().map(|(_, var)| values(var)).collect();
    let parts = [1, 2, 3].map(|seed| normal((2, 3, dim), seed));
    let normalised = |part: &Tensor, bias: &[f64], weight: &[f64]| -> Vec<f64> {
        let len = dim / heads;
        let head = |x: &[f64]| -> Vec<f64> {
            let mean = x.iter().sum::<f64>() / len as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / len as f64;
            (0..len).map(|i| (x[i] - mean) / (variance + 1e-5).sqrt() * weight[i] + bias[i]).collect()
        };
        values(part).chunks(len).flat_map(head).collect()
    };
    // Sorted: keys' bias and weight, then queries'.
    let (queries, keys) =
        (normalised(&parts[0], &per_head[2], &per_head[3]), normalised(&parts[1], &per_head[0], &per_head[1]));
    let rest = values(&parts[2]);
    let expected: Vec<f64> = (0..rows)
        .flat_map(|row| [&queries, &keys, &rest].map(|part| part[row * dim..][..dim].to_vec()).concat())
        .collect();
    let expected = Tensor::from_vec(expected, (2, 3, 3 * dim), &Device::Cpu).unwrap();
    assert_close(&norm.join(parts).unwrap(), &expected, 1e-12, "joined");
}
