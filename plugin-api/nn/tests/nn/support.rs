//! Shared by the tests: random inputs, comparisons, finite differences, reference vectors.

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{DType, Device, Result, Shape, Tensor, Var};
use physrep_nn::Rng;

/// Standard normal values in f64.
pub fn normal(shape: impl Into<Shape>, seed: u64) -> Tensor {
    Rng::new(seed, "test", 0).normal(shape, DType::F64, &Device::Cpu).unwrap()
}

/// All elements in order, as f64.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    flat.to_vec1().unwrap()
}

/// Largest difference, relative to the largest value of `expected`.
pub fn relative_error(got: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(got.dims(), expected.dims());
    let (got, expected) = (values(got), values(expected));
    let scale = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    let error = got.iter().zip(&expected).fold(0f64, |worst, (g, e)| {
        let error = (g - e).abs();
        // `max` would drop a NaN.
        if error > worst || error.is_nan() { error } else { worst }
    });
    error / scale.max(1e-30)
}

#[track_caller]
pub fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    let error = relative_error(got, expected);
    assert!(error <= tolerance, "{what}: relative error {error:e} > {tolerance:e}");
}

/// Compares the gradients of `f` at `inputs` (f64) with central differences, at up to 40 elements
/// of each input. The scalar that is differentiated is a random projection of the output.
#[track_caller]
pub fn check_gradients(inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) {
    const STEP: f64 = 1e-5;
    let vars: Vec<Var> = inputs.iter().map(|t| Var::from_tensor(t).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let output = f(&tensors).unwrap();
    let projection = normal(output.shape(), 77);
    let project = |output: Tensor| (output * &projection).unwrap().sum_all().unwrap();
    let gradients = project(output).backward().unwrap();
    for (which, input) in inputs.iter().enumerate() {
        let gradient = gradients.get(&vars[which]);
        let gradient = values(gradient.unwrap_or_else(|| panic!("input {which} got no gradient")));
        let scale = gradient.iter().fold(1e-3f64, |m, g| m.max(g.abs()));
        let at_rest = values(input);
        let order = Rng::new(5, "elements", 0).permutation(at_rest.len());
        for &i in order.iter().take(40) {
            let i = i as usize;
            let moved = |by: f64| {
                let mut elements = at_rest.clone();
                elements[i] += by;
                let mut inputs = inputs.to_vec();
                inputs[which] = Tensor::from_vec(elements, input.shape(), &Device::Cpu).unwrap();
                project(f(&inputs).unwrap()).to_scalar::<f64>().unwrap()
            };
            let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let error = (gradient[i] - difference).abs() / scale;
            assert!(
                error < 1e-6,
                "input {which}, element {i}: gradient {}, difference quotient {difference}",
                gradient[i]
            );
        }
    }
}

/// Tensors of `file` among the reference vectors; `None`, after printing a line, if there are none.
pub fn reference(file: &str) -> Option<HashMap<String, Tensor>> {
    let Some(folder) = std::env::var_os("PHYSREP_REFERENCE_VECTORS") else {
        println!("PHYSREP_REFERENCE_VECTORS is not set: {file} not compared");
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu);
    Some(tensors.unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// `(B, C, T, H, W)` to `(B, T, H, W, C)`, or `(B, C, H, W)` to `(B, H, W, C)`.
pub fn channels_last(x: &Tensor) -> Tensor {
    let mut order: Vec<usize> = (0..x.rank()).filter(|axis| *axis != 1).collect();
    order.push(1);
    x.permute(order).unwrap().contiguous().unwrap()
}
