//! Clipping by the joint norm.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use physrep_nn::clip_gradients;

use crate::support::values;

fn network() -> (Vec<(String, Var)>, GradStore) {
    let var = |len: usize| Var::zeros(len, DType::F32, &Device::Cpu).unwrap();
    let parameters = vec![("a".to_owned(), var(2)), ("b".to_owned(), var(1)), ("idle".to_owned(), var(3))];
    let mut gradients = GradStore::default();
    gradients.insert(&parameters[0].1, Tensor::new(&[3f32, 0.0], &Device::Cpu).unwrap());
    gradients.insert(&parameters[1].1, Tensor::new(&[4f32], &Device::Cpu).unwrap());
    (parameters, gradients)
}

#[test]
fn long_gradients_are_scaled_by_one_factor_and_short_ones_kept() {
    for (longest, factor) in [(1.0, 0.2), (2.5, 0.5), (5.1, 1.0)] {
        let (parameters, mut gradients) = network();
        assert_eq!(clip_gradients(&parameters, &mut gradients, longest).unwrap(), 5.0);
        for ((_, var), expected) in parameters.iter().zip([vec![3.0, 0.0], vec![4.0]]) {
            for (got, expected) in values(gradients.get(var).unwrap()).iter().zip(expected) {
                assert!((got - factor * expected).abs() < 1e-5, "{longest}: {got} for {factor} of {expected}");
            }
        }
        assert!(gradients.get(&parameters[2].1).is_none());
    }
}
