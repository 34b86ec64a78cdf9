//! Transforms against closed forms.

use super::*;

const GRID: [usize; 2] = [12, 18];

/// `cos(2 pi (p x + q y) + 0.3)` on the unit square.
fn wave(grid: [usize; 2], p: f64, q: f64) -> Vec<f64> {
    let [nx, ny] = grid;
    (0..nx * ny)
        .map(|i| {
            let (x, y) = ((i / ny) as f64 / nx as f64, (i % ny) as f64 / ny as f64);
            (TAU * (p * x + q * y) + 0.3).cos()
        })
        .collect()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn a_wave_has_one_coefficient() {
    let mut fourier = Fourier::dealiased(GRID);
    assert_eq!(fourier.cutoff(), [3, 5]);
    let mut spectrum = fourier.zeros();
    fourier.forward(&wave(GRID, -2.0, 3.0), &mut spectrum);
    let place = 3 * fourier.width() + (fourier.width() - 2);
    for (i, c) in spectrum.iter().enumerate() {
        let expected = if i == place { Complex64::from_polar(0.5, 0.3) } else { Complex64::ZERO };
        assert!((c - expected).norm() < 1e-15, "coefficient {i} is {c}, not {expected}");
    }
    let [kx, ky] = fourier.wavenumbers([1.0, 2.0]);
    assert!((kx[fourier.width() - 2] + 2.0 * TAU).abs() < 1e-14);
    assert!((ky[3] - 1.5 * TAU).abs() < 1e-14);
    let mean_square = fourier.mean_square(&spectrum, |_, _| 1.0);
    assert!((mean_square - 0.5).abs() < 1e-15);
    let only = fourier.mean_square(&spectrum, |p, q| f64::from(u8::from((p, q) == (2, 3))));
    assert!((only - 0.5).abs() < 1e-15);
}

#[test]
fn odd_and_even_grids_return_what_they_were_given() {
    for grid in [[12, 18], [9, 10], [16, 7], [1, 4]] {
        let mut fourier = Fourier::truncated(grid, [usize::MAX; 2]);
        let p = fourier.cutoff()[0] as f64;
        let field = wave(grid, p, 1.0);
        let (mut spectrum, mut back) = (fourier.zeros(), vec![0.0; field.len()]);
        fourier.forward(&field, &mut spectrum);
        fourier.inverse(&spectrum, &mut back);
        assert!(largest_difference(&field, &back) < 1e-14, "grid {grid:?}");
    }
}

#[test]
fn products_of_retained_modes_are_not_aliased() {
    // 3 + 3 = 6 = -6 modulo 12 would come back at a retained mode if the cutoff were higher.
    let mut fourier = Fourier::dealiased(GRID);
    let mut spectrum = fourier.zeros();
    fourier.forward(&wave(GRID, 3.0, 5.0), &mut spectrum);
    let mut square = fourier.zeros();
    fourier.pointwise([&spectrum], [&mut square], |_, [f], [square]| {
        for (square, f) in square.iter_mut().zip(f) {
            *square = f * f;
        }
    });
    assert!((square[0] - Complex64::from(0.5)).norm() < 1e-15);
    let rest = square[1..].iter().map(|c| c.norm()).fold(0.0, f64::max);
    assert!(rest < 1e-15, "aliased energy: {rest}");
}

#[test]
fn restriction_keeps_the_low_modes_and_only_them() {
    let (mut fine, mut coarse) = (Fourier::dealiased([24, 36]), Fourier::truncated([8, 10], [usize::MAX; 2]));
    let field: Vec<f64> =
        wave([24, 36], 3.0, 4.0).iter().zip(wave([24, 36], 4.0, 1.0)).map(|(kept, lost)| kept + lost).collect();
    let (mut spectrum, mut low) = (fine.zeros(), coarse.zeros());
    fine.forward(&field, &mut spectrum);
    coarse.restrict(&fine, &spectrum, &mut low);
    let mut sampled = vec![0.0; 80];
    coarse.inverse(&low, &mut sampled);
    assert!(largest_difference(&sampled, &wave([8, 10], 3.0, 4.0)) < 1e-14);
}
