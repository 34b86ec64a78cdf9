//! How a batch is cut into contexts and targets.

use physrep_plugin_api::{DType, Device, Tensor};

use crate::contexts_then_targets;

#[test]
fn contexts_come_first_and_targets_after_them() {
    let clips = Tensor::arange(0f32, 2.0 * 3.0 * 4.0 * 5.0 * 6.0, &Device::Cpu).expect("values");
    let clips = clips.reshape((2, 3, 4, 5, 6)).expect("clips");
    let [context, target] = [0, 2].map(|from| clips.narrow(2, from, 2).expect("half"));
    let values = |clips: &Tensor| clips.flatten_all().and_then(|clips| clips.to_vec1::<f32>()).expect("values");
    let expected = Tensor::cat(&[context, target], 0).expect("both");
    let got = contexts_then_targets(&clips).expect("both");
    assert_eq!((got.dims(), values(&got), got.dtype()), (expected.dims(), values(&expected), DType::F32));
}
