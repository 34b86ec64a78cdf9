//! The normalised target against its definition.

use physrep_plugin_api::candle_core::{DType, Device, Tensor};

use super::support::{assert_close, normal, values};
use crate::target::normalise;

#[test]
fn each_channel_of_each_tubelet_has_its_own_mean_and_standard_deviation() {
    let (rows, channels, pixels) = (7, 3, 32);
    // Scales and shifts that differ from row to row and from channel to channel.
    let scale = normal(&[rows, channels, 1], DType::F64, 1);
    let shift = normal(&[rows, channels, 1], DType::F64, 2);
    let tubelets = normal(&[rows, channels, pixels], DType::F64, 3);
    let tubelets = tubelets.broadcast_mul(&scale).unwrap().broadcast_add(&shift).unwrap();
    let mut expected = values(&tubelets);
    for channel in expected.chunks_mut(pixels) {
        let mean = channel.iter().sum::<f64>() / pixels as f64;
        let variance = channel.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (pixels - 1) as f64;
        for value in channel {
            *value = (*value - mean) / (variance.sqrt() + 1e-6);
        }
    }
    let shape = (rows, channels * pixels);
    let expected = Tensor::from_vec(expected, shape, &Device::Cpu).unwrap();
    for (dtype, tolerance) in [(DType::F64, 1e-4), (DType::F32, 1e-4)] {
        let tubelets = tubelets.reshape(shape).unwrap().to_dtype(dtype).unwrap();
        assert_close(&normalise(&tubelets, pixels).unwrap(), &expected, tolerance, &format!("{dtype:?}"));
    }
}

#[test]
fn a_uniform_tubelet_is_zero() {
    let tubelets = Tensor::full(0.1f32, (2, 64), &Device::Cpu).unwrap();
    let largest = values(&normalise(&tubelets, 32).unwrap()).into_iter().fold(0f64, |m, v| m.max(v.abs()));
    assert!(largest < 0.1, "{largest}");
}
