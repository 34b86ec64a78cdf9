//! VICReg against its formula and the reference.

use candle_core::{DType, Device, Tensor, Var};
use physrep_nn::{Rng, VicReg, VicRegConfig, vicreg};

use crate::support::{assert_close, channels_last, check_gradients, normal, reference, values};

/// Total, invariance, variance of x and y, covariance of x and y.
fn terms(loss: &VicReg) -> [f64; 6] {
    let VicReg { total, invariance, variance: [vx, vy], covariance: [cx, cy] } = loss;
    [total, invariance, vx, vy, cx, cy].map(|t| values(t)[0])
}

fn naive(x: &Tensor, y: &Tensor, permutation: &[u32], config: &VicRegConfig) -> [f64; 6] {
    let c = x.dims()[1];
    let rows = |t: &Tensor| -> Vec<Vec<f64>> {
        let values = values(t);
        let row = |i: &u32| values[*i as usize * c..][..c].to_vec();
        permutation.iter().map(row).collect()
    };
    let spread = |rows: &[Vec<f64>]| -> (f64, f64) {
        let n = rows.len() as f64;
        let mean = |k: usize| rows.iter().map(|r| r[k]).sum::<f64>() / n;
        let means: Vec<f64> = (0..c).map(mean).collect();
        let product = |i: usize, j: usize| -> f64 { rows.iter().map(|r| (r[i] - means[i]) * (r[j] - means[j])).sum() };
        let hinge = |i| (1.0 - (product(i, i) / n + 1e-4).sqrt()).max(0.0);
        let variance = (0..c).map(hinge).sum::<f64>() / c as f64 / 2.0;
        let pairs = (0..c * c).map(|ij| (ij / c, ij % c)).filter(|(i, j)| i != j);
        let squares = pairs.map(|(i, j)| (product(i, j) / (n - 1.0).max(1.0)).powi(2));
        (variance, squares.sum::<f64>() / c as f64)
    };
    let (x, y) = (rows(x), rows(y));
    let size = x.len().div_ceil(config.chunks);
    let mut mean = [0.0; 6];
    let count = x.len().div_ceil(size) as f64;
    for (x, y) in x.chunks(size).zip(y.chunks(size)) {
        let squares = x.iter().flatten().zip(y.iter().flatten());
        let distance = squares.map(|(x, y)| (x - y).powi(2)).sum::<f64>() / (x.len() * c) as f64;
        let ((vx, cx), (vy, cy)) = (spread(x), spread(y));
        let total = config.invariance * distance + config.variance * (vx + vy) + config.covariance * (cx + cy);
        for (sum, term) in mean.iter_mut().zip([total, distance, vx, vy, cx, cy]) {
            *sum += term / count;
        }
    }
    mean
}

#[test]
fn agrees_with_the_formula() {
    for (rows, channels, chunks) in [(32, 6, 5), (7, 3, 5), (4, 5, 5), (1, 2, 5), (10, 1, 1), (6, 4, 3)] {
        let config = VicRegConfig { chunks, ..VicRegConfig::default() };
        let (x, y) = (normal((rows, channels), 1), normal((rows, channels), 2));
        let permutation = Rng::new(1, "rows", 0).permutation(rows);
        let got = terms(&vicreg(&x, &y, &permutation, &config).unwrap());
        let expected = naive(&x, &y, &permutation, &config);
        for (got, expected) in got.into_iter().zip(expected) {
            let close = (got - expected).abs() <= 1e-12 * expected.abs().max(1.0);
            assert!(close, "{rows} x {channels} in {chunks}: {got} {expected}");
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    let permutation = Rng::new(1, "rows", 0).permutation(13);
    check_gradients(&[normal((13, 4), 1), normal((13, 4), 2)], |t| {
        Ok(vicreg(&t[0], &t[1], &permutation, &VicRegConfig::default())?.total)
    });
}

#[test]
fn collapse_costs_what_the_formula_says() {
    let x = Tensor::full(0.3, (20, 8), &Device::Cpu).unwrap();
    let permutation: Vec<u32> = (0..20).collect();
    let loss = vicreg(&x, &x, &permutation, &VicRegConfig::default()).unwrap();
    // No distance, no covariance, and standard deviations of sqrt(1e-4) in both branches.
    assert!((values(&loss.total)[0] - 40.0 * (1.0 - 0.01)).abs() < 1e-9);
}

#[test]
fn bad_input_is_an_error_with_a_reason() {
    let (x, y) = (normal((4, 2), 1), normal((4, 3), 2));
    let config = VicRegConfig::default();
    let error = vicreg(&x, &y, &[0, 1, 2, 3], &config).unwrap_err();
    assert!(error.to_string().contains("[4, 2], [4, 3]"), "{error}");
    assert!(vicreg(&x, &x, &[0, 1, 2], &config).is_err());
    assert!(vicreg(&x, &x, &[0, 1, 2, 4], &config).is_err());
    let config = VicRegConfig { chunks: 0, ..config };
    assert!(vicreg(&x, &x, &[0, 1, 2, 3], &config).is_err());
}

#[test]
fn agrees_with_the_reference() {
    // Total, invariance, variance of x and y, covariance of x and y, from the manifest.
    for (file, expected) in [
        (
            "vicreg_0.safetensors",
            [
                46.436614990234375,
                0.9970787763595581,
                0.15411357581615448,
                0.28191667795181274,
                11.860501289367676,
                1.640120506286621,
            ],
        ),
        (
            "vicreg_1.safetensors",
            [
                16.45730972290039,
                0.9741299748420715,
                0.10258018970489502,
                0.2505961060523987,
                0.16560688614845276,
                0.02539179101586342,
            ],
        ),
        (
            "vicreg_3.safetensors",
            [41.39814758300781, 0.8990766406059265, 0.4949999451637268, 0.4949999451637268, 0.0, 0.0],
        ),
    ] {
        let Some(vectors) = reference(file) else {
            return;
        };
        let shape = channels_last(&vectors["x"]).dims().to_vec();
        let rows = |name: &str| {
            let x = channels_last(&vectors[name]);
            x.reshape(((), shape[4])).unwrap().to_dtype(DType::F32).unwrap()
        };
        let [x, y] = ["x", "y"].map(|name| Var::from_tensor(&rows(name)).unwrap());
        let in_order: Vec<u32> = (0..x.dims()[0] as u32).collect();
        let loss = vicreg(&x, &y, &in_order, &VicRegConfig::default()).unwrap();
        for (got, expected) in terms(&loss).into_iter().zip(expected) {
            assert!((got - expected).abs() <= 2e-6 * expected.abs().max(1.0), "{file}: {got} {expected}");
        }
        let store = loss.total.backward().unwrap();
        assert_close(store.get(&x).unwrap(), &rows("grad_x"), 1e-5, file);
        assert_close(store.get(&y).unwrap(), &rows("grad_y"), 1e-5, file);
    }
}
