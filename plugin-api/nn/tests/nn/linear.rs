//! The linear map against its definition.

use physrep_nn::linear;

use crate::support::{assert_close, check_gradients, normal};

#[test]
fn agrees_with_the_definition() {
    for (rows, inputs, outputs) in [(1, 1, 1), (5, 7, 3), (130, 33, 17)] {
        let tensors = [normal((rows, inputs), 1), normal((outputs, inputs), 2), normal(outputs, 3)];
        let [x, weight, bias] = &tensors;
        let expected = x.matmul(&weight.t().unwrap()).unwrap().broadcast_add(bias).unwrap();
        assert_close(&linear(x, weight, bias).unwrap(), &expected, 1e-13, &format!("{rows} {inputs} {outputs}"));
        check_gradients(&tensors, |t| linear(&t[0], &t[1], &t[2]));
    }
}

#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu() {
    for (rows, c) in crate::gpu::ROWS {
        let inputs = [normal((rows, c), 1), normal((40, c), 2), normal(40, 3)];
        crate::gpu::agrees(&format!("{rows} rows of {c}"), &inputs, 1, |t| linear(&t[0], &t[1], &t[2]));
    }
}
