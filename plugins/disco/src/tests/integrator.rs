//! The integrator: its order, its tolerance, its cost, and its gradients.

use physrep_plugin_api::candle_core::{DType, Device, Result, Tensor, Var};

use super::{distance, normal, values};
use crate::integrator::{Integrated, IntegratorConfig, integrate};

/// A rotation, `x' = 3 y, y' = -3 x`, of states `(2, N)`.
fn rotation(x: &Tensor) -> Result<Tensor> {
    Tensor::cat(&[(x.narrow(0, 1, 1)? * 3.0)?, (x.narrow(0, 0, 1)? * -3.0)?], 0)
}

fn rotated(x: &Tensor) -> Tensor {
    let (x, y) = (x.narrow(0, 0, 1).unwrap(), x.narrow(0, 1, 1).unwrap());
    let (sin, cos) = 3f64.sin_cos();
    let sum = |a: &Tensor, by: f64, b: &Tensor, with: f64| ((a * by).unwrap() + (b * with).unwrap()).unwrap();
    Tensor::cat(&[sum(&x, cos, &y, sin), sum(&y, cos, &x, -sin)], 0).unwrap()
}

/// Steps of a fixed length: with this tolerance every step has the shortest length.
fn fixed(steps: usize) -> IntegratorConfig {
    IntegratorConfig { rtol: 1e-100, atol: 0.0, min_step: 1.0 / steps as f64 }
}

#[test]
fn the_error_of_fixed_steps_falls_with_the_third_power() {
    let start = normal((2, 5), 1, DType::F64);
    let error = |steps| {
        let Integrated { state, accepted, rejected } = integrate(&start, &fixed(steps), rotation).unwrap();
        assert_eq!((accepted, rejected), (steps, 0));
        distance(&state, &rotated(&start))
    };
    let order = (error(16) / error(64)).log(4.0);
    assert!((2.9..3.2).contains(&order), "order {order}");
}

#[test]
fn the_error_follows_the_tolerance() {
    let start = normal((2, 5), 1, DType::F64);
    let mut before = (f64::INFINITY, 0);
    for rtol in [1e-2, 1e-4, 1e-6] {
        let config = IntegratorConfig { rtol, atol: rtol, min_step: 1e-6 };
        let Integrated { state, accepted, .. } = integrate(&start, &config, rotation).unwrap();
        let error = distance(&state, &rotated(&start));
        assert!(error < 30.0 * rtol, "error {error:e} at a tolerance of {rtol:e}");
        assert!(error < before.0 / 10.0 && accepted > before.1, "{error:e} after {accepted} steps, {before:?} before");
        before = (error, accepted);
    }
}

#[test]
fn steps_shrink_where_the_solution_is_steep_and_the_shortest_step_bounds_their_number() {
    // x' = 40 x (1 - x) rises late and fast.
    let logistic = |x: &Tensor| (x * (1.0 - x)?)? * 40.0;
    let start = Tensor::new(&[1e-6f64], &Device::Cpu).unwrap();
    let adaptive = IntegratorConfig { rtol: 1e-5, atol: 1e-9, min_step: 1e-6 };
    let Integrated { state, accepted, .. } = integrate(&start, &adaptive, logistic).unwrap();
    let exact = 1.0 / (1.0 + (1e6 - 1.0) * (-40f64).exp());
    assert!((values(&state)[0] - exact).abs() < 1e-4 && accepted < 400, "{state} for {exact} after {accepted} steps");
    let short = IntegratorConfig { min_step: 1.0 / 32.0, ..adaptive };
    let Integrated { accepted, .. } = integrate(&start, &short, logistic).unwrap();
    assert!(accepted <= 32, "{accepted} steps");
}

#[test]
fn a_single_step_needs_three_evaluations() {
    let start = normal((2, 5), 1, DType::F64);
    let count = std::cell::Cell::new(0);
    let counted = |x: &Tensor| {
        count.set(count.get() + 1);
        rotation(x)
    };
    integrate(&start, &fixed(1), counted).unwrap();
    assert_eq!(count.get(), 3);
    count.set(0);
    // Two for the first step's length; then the last stage of a step is the first of the next, and the last step has none.
    integrate(&start, &fixed(8), counted).unwrap();
    assert_eq!(count.get(), 2 + 7 * 3 + 2);
}

/// `x' = tanh(A x)` with A and the start as inputs, through steps of all lengths.
#[test]
fn gradients_agree_with_differences() {
    let (matrix, start) = ((normal((4, 4), 2, DType::F64) * 1.5).unwrap(), normal((4, 3), 3, DType::F64));
    let projection = normal((4, 3), 4, DType::F64);
    for config in [fixed(1), fixed(5), IntegratorConfig { rtol: 1e-8, atol: 1e-8, min_step: 1e-6 }] {
        let run = |matrix: &Tensor, start: &Tensor| {
            let Integrated { state, .. } = integrate(start, &config, |x| matrix.matmul(x)?.tanh()).unwrap();
            (state * &projection).unwrap().sum_all().unwrap()
        };
        let vars = [&matrix, &start].map(|t| Var::from_tensor(t).unwrap());
        let gradients = run(&vars[0], &vars[1]).backward().unwrap();
        for which in 0..2 {
            let gradient = values(gradients.get(&vars[which]).unwrap());
            let at_rest = values([&matrix, &start][which]);
            for i in 0..at_rest.len() {
                let moved = |by: f64| {
                    let mut elements = at_rest.clone();
                    elements[i] += by;
                    let shape = [&matrix, &start][which].shape();
                    let moved = Tensor::from_vec(elements, shape, &Device::Cpu).unwrap();
                    let (matrix, start) = if which == 0 { (&moved, &start) } else { (&matrix, &moved) };
                    run(matrix, start).to_scalar::<f64>().unwrap()
                };
                // The gradient ignores that the lengths of adaptive steps depend on the state, so it agrees only to the
                // tolerance.
                let (by, tolerance) = if config.rtol < 1e-50 { (1e-5, 1e-8) } else { (1e-3, 1e-3) };
                let difference = (moved(by) - moved(-by)) / (2.0 * by);
                let error = (gradient[i] - difference).abs();
                assert!(error < tolerance, "{config:?}, input {which}, element {i}: {} for {difference}", gradient[i]);
            }
        }
    }
}

#[test]
fn a_state_that_blows_up_is_an_error_that_says_when() {
    let start = Tensor::new(&[1e30f64], &Device::Cpu).unwrap();
    let config = IntegratorConfig::default();
    let error = integrate(&start, &config, |x| x.sqr()?.sqr()?.sqr()?.sqr()).err().unwrap().to_string();
    assert!(error.contains("broke down at time 0"), "{error}");
}

#[test]
fn invalid_tolerances_are_refused() {
    let default = IntegratorConfig::default();
    assert_eq!(default.validate(), Ok(()));
    for (config, reason) in [
        (IntegratorConfig { rtol: -1.0, ..default }, "`rtol` (=-1)"),
        (IntegratorConfig { rtol: 0.0, atol: 0.0, ..default }, "nor both be 0"),
        (IntegratorConfig { min_step: 0.0, ..default }, "`min_step` (=0)"),
        (IntegratorConfig { min_step: 1.5, ..default }, "at most 1"),
    ] {
        let error = config.validate().unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}
