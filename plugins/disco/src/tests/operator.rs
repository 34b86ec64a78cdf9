//! The operator network: sizes, symmetry, walls, and weights per sample.

use physrep_plugin_api::{
    candle_core::{DType, Device, Tensor},
    nn::{
        Edge::{self, Periodic, Reflect},
        Params,
    },
};

use super::{distance, normal, values};
use crate::{generator::Generator, operator::OperatorNetwork};

fn weights(operator: &OperatorNetwork, batch: usize) -> Vec<Tensor> {
    let of_layer = |(i, weight): (usize, &crate::operator::Weight)| {
        (normal((batch, weight.shape[0], weight.shape[1]), i as u64, DType::F64) * weight.bound).unwrap()
    };
    operator.weights().iter().enumerate().map(of_layer).collect()
}

fn rolled(x: &Tensor, by: usize, axis: usize) -> Tensor {
    let len = x.dims()[axis];
    Tensor::cat(&[x.narrow(axis, len - by, by).unwrap(), x.narrow(axis, 0, len - by).unwrap()], axis).unwrap()
}

#[test]
fn sizes_of_the_paper() {
    let count = |channels, edges| OperatorNetwork::new(channels, 8, 4, edges).unwrap().count();
    assert_eq!(count(4, [Periodic; 2]), 158_624, "shear flow");
    assert_eq!(count(4, [Periodic, Reflect]), 158_696, "Rayleigh-Bénard, with a channel for the walls");
    assert_eq!(count(11, [Periodic; 2]), 159_632, "active matter");
}

#[test]
fn a_periodic_operator_commutes_with_shifts_of_its_coarsest_grid() {
    let operator = OperatorNetwork::new(3, 4, 2, [Periodic; 2]).unwrap();
    let (weights, x) = (weights(&operator, 2), normal((2, 8, 16, 3), 100, DType::F64));
    let y = operator.forward(&x, None, &weights).unwrap();
    for (axis, by) in [(1, 4), (2, 4), (2, 12)] {
        let shifted = operator.forward(&rolled(&x, by, axis), None, &weights).unwrap();
        assert!(distance(&shifted, &rolled(&y, by, axis)) < 1e-12, "by {by} along {axis}");
    }
    let shifted = operator.forward(&rolled(&x, 1, 1), None, &weights).unwrap();
    assert!(distance(&shifted, &rolled(&y, 1, 1)) > 1e-3, "a shift by one point is seen by the strided layers");
}

#[test]
fn every_sample_has_its_own_weights() {
    let operator = OperatorNetwork::new(2, 4, 1, [Periodic, Reflect]).unwrap();
    let (weights, x) = (weights(&operator, 3), normal((3, 6, 4, 2), 100, DType::F64));
    let walls = |batch| operator.walls([batch, 6, 4], DType::F64, &Device::Cpu).unwrap();
    let y = operator.forward(&x, walls(3).as_ref(), &weights).unwrap();
    for sample in 0..3 {
        let alone: Vec<Tensor> = weights.iter().map(|w| w.narrow(0, sample, 1).unwrap()).collect();
        let y_alone = operator.forward(&x.narrow(0, sample, 1).unwrap(), walls(1).as_ref(), &alone).unwrap();
        assert!(distance(&y_alone, &y.narrow(0, sample, 1).unwrap()) < 1e-12, "sample {sample}");
    }
}

#[test]
fn walls_are_where_an_axis_is_not_periodic() {
    let walls = |edges: [Edge; 2]| {
        let operator = OperatorNetwork::new(1, 4, 1, edges).unwrap();
        operator.walls([1, 2, 4], DType::F64, &Device::Cpu).unwrap().map(|mask| values(&mask))
    };
    assert_eq!(walls([Periodic, Periodic]), None);
    assert_eq!(walls([Periodic, Reflect]).unwrap(), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    assert_eq!(walls([Reflect, Periodic]).unwrap(), [1.0; 8]);
}

#[test]
fn generated_weights_stay_within_twice_the_initialisation_and_depend_on_the_latent() {
    let operator = OperatorNetwork::new(4, 8, 2, [Periodic; 2]).unwrap();
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let generator = Generator::new(6, 10, &operator, params).unwrap();
    let latent = (normal((3, 6), 1, DType::F64) * 1e4).unwrap();
    let generated = generator.forward(&latent).unwrap();
    assert_eq!(generated.len(), operator.weights().len());
    for (generated, weight) in generated.iter().zip(operator.weights()) {
        assert_eq!(generated.dims(), [3, weight.shape[0], weight.shape[1]], "{}", weight.name);
        let largest = values(generated).iter().fold(0f64, |m, v| m.max(v.abs()));
        assert!(largest <= 2.0 * weight.bound && largest > 1.9 * weight.bound, "{}: {largest}", weight.name);
        let samples = [0, 1].map(|i| generated.get(i).unwrap());
        assert!(distance(&samples[0], &samples[1]) > 0.1 * weight.bound, "{}", weight.name);
    }
    // Near 0, a weight is the head's output times its bound over the bounds' root mean square.
    let generated = generator.forward(&normal((1, 6), 2, DType::F64)).unwrap();
    assert!(values(&generated[3]).iter().all(|v| v.abs() < 2.0 * operator.weights()[3].bound));
}

#[test]
fn what_does_not_fit_is_refused() {
    let error = OperatorNetwork::new(3, 6, 2, [Periodic; 2]).unwrap_err().to_string();
    assert!(error.contains("`start_channels` (=6) must be a multiple of the 4 groups"), "{error}");
    let operator = OperatorNetwork::new(3, 4, 2, [Periodic; 2]).unwrap();
    let error = operator.forward(&normal((1, 8, 6, 3), 1, DType::F64), None, &[]).unwrap_err().to_string();
    assert!(error.contains("multiples of 4; got [1, 8, 6, 3]"), "{error}");
    let error = operator.forward(&normal((1, 8, 8, 3), 1, DType::F64), None, &[]).unwrap_err().to_string();
    assert!(error.contains("too few weights"), "{error}");
}
