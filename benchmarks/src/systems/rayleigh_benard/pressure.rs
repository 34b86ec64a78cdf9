//! The pressure that goes with a flow: needed where frames are stored, never to advance.

use rustfft::num_complex::Complex64;

use super::basis::Basis;
use super::flow::{FlowState, Space};
use super::layer::{Evaluation, Mirrored};
use super::pencil::{Factors, Pencil};
use super::rows::{RowTransform, times_ik};

/// Solves `lap p = div (b e_y - u . grad u)` with the walls' conditions in weak form.
///
/// With `u . grad u = omega e_z x u + grad (|u|^2 / 2)` and `h = p + |u|^2 / 2`, for every polynomial `q`
///
/// ```text
/// <grad q, grad h> = <grad q, (omega u_y, b - omega u_x)> + nu [q d2u_y / dy2] between the walls,
/// ```
///
/// since the velocity's rate of change has no divergence and does not cross the walls.
pub(super) struct Pressure {
    wavenumbers: Vec<f64>,
    /// How much of `L_0` function 2 contains.
    mean_of_second: f64,
    rows: RowTransform,
    conduction: Vec<f64>,
    stream: [Evaluation; 3],
    dirichlet: [Evaluation; 2],
    free: [Evaluation; 2],
    laplacian: Pencil<1>,
    laplacian_factors: Factors<1>,
    mass: Pencil<1>,
    mass_factors: Factors<1>,
    /// `d2f/dy2` at the lower and the upper wall, for the stream function's basis.
    curvature: [Vec<f64>; 2],
    /// The pressure's basis there.
    ends: [Vec<f64>; 2],
    psi: Mirrored,
    psi_y: Mirrored,
    psi_yy: Mirrored,
    buoyancy: Mirrored,
    mean: Mirrored,
    mean_y: Mirrored,
    /// `omega u_y`, `b - omega u_x` and `|u|^2 / 2`.
    products: [Mirrored; 3],
    values: [Vec<f64>; 4],
    coefficients: Vec<f64>,
    kinetic: Vec<f64>,
}

impl Pressure {
    pub fn new(space: &Space) -> Self {
        let (pairs, width, k) = (space.pairs(), space.width(), &space.wavenumbers);
        let evaluation = |basis, derivative| Evaluation::new(basis, derivative, space.degrees, &space.rule);
        let zeros = || Mirrored::zeros(pairs, width);
        let none = |_: f64| [0.0; 3];
        let mut laplacian = Pencil::new(Basis::Free, space.degrees, k, |k| [k * k, 1.0, 0.0], none);
        // The mean over the layer is free; it is chosen at the end.
        laplacian.pin_first();
        let mass = Pencil::new(Basis::Free, space.degrees, k, |_| [1.0, 0.0, 0.0], none);
        let [mut laplacian_factors, mut mass_factors] = [laplacian.factors(), mass.factors()];
        laplacian.factorise(0.0, &mut laplacian_factors);
        mass.factorise(0.0, &mut mass_factors);
        let at_walls = |basis: Basis, derivative: usize| {
            [-1.0f64, 1.0].map(|s| {
                // L_n = s^n at the walls.
                let at_wall = |(degree, c): (usize, f64)| c * s.powi(degree as i32);
                let value = |n| basis.legendre(n, derivative).into_iter().map(at_wall).sum();
                (0..basis.count(space.degrees)).map(value).collect()
            })
        };
        let size = Basis::Free.count(space.degrees) * width;
        Self {
            wavenumbers: k.clone(),
            mean_of_second: Basis::Free.legendre(2, 0)[0].1,
            rows: RowTransform::new(space.points),
            conduction: space.rule.points[..pairs].iter().map(|s| -0.5 * s).collect(),
            stream: [0, 1, 2].map(|derivative| evaluation(Basis::Clamped, derivative)),
            dirichlet: [0, 1].map(|derivative| evaluation(Basis::Dirichlet, derivative)),
            free: [0, 1].map(|derivative| evaluation(Basis::Free, derivative)),
            laplacian,
            laplacian_factors,
            mass,
            mass_factors,
            curvature: at_walls(Basis::Clamped, 2),
            ends: at_walls(Basis::Free, 0),
            psi: zeros(),
            psi_y: zeros(),
            psi_yy: zeros(),
            buoyancy: zeros(),
            mean: Mirrored::zeros(pairs, 1),
            mean_y: Mirrored::zeros(pairs, 1),
            products: [(); 3].map(|()| zeros()),
            values: [(); 4].map(|()| vec![0.0; space.points]),
            coefficients: vec![0.0; size],
            kinetic: vec![0.0; size],
        }
    }

    /// The pressure's coefficients in the free basis, with zero mean over the layer.
    pub fn solve(&mut self, viscosity: f64, state: &FlowState) -> &[f64] {
        self.stream[0].evaluate(&state.stream, &mut self.psi);
        self.stream[1].evaluate(&state.stream, &mut self.psi_y);
        self.stream[2].evaluate(&state.stream, &mut self.psi_yy);
        self.dirichlet[0].evaluate(&state.buoyancy, &mut self.buoyancy);
        self.dirichlet[0].evaluate(&state.mean, &mut self.mean);
        self.dirichlet[1].evaluate(&state.mean, &mut self.mean_y);
        for pair in 0..self.conduction.len() {
            [1.0, -1.0].into_iter().for_each(|sign| self.products_at(pair, sign));
        }
        let [along_x, along_y, _] = &mut self.products;
        // The adjoint of d/dx is -i k.
        for rows in [&mut along_x.even, &mut along_x.odd] {
            rows.iter_mut().for_each(|c| *c = -*c);
            times_ik(rows, &self.wavenumbers);
        }
        self.coefficients.fill(0.0);
        self.free[0].add_integrals(along_x, &mut self.coefficients);
        self.free[1].add_integrals(along_y, &mut self.coefficients);
        self.add_walls(viscosity, state);
        self.laplacian.solve(&self.laplacian_factors, &mut self.coefficients);
        self.kinetic.fill(0.0);
        self.free[0].add_integrals(&self.products[2], &mut self.kinetic);
        self.mass.solve(&self.mass_factors, &mut self.kinetic);
        self.coefficients.iter_mut().zip(&self.kinetic).for_each(|(p, k)| *p -= k);
        // Only L_0 has a mean, and function 2 contains it.
        let width = 2 * self.wavenumbers.len();
        self.coefficients[0] = -self.coefficients[2 * width] * self.mean_of_second;
        &self.coefficients
    }

    /// The products along one line of points, as in the advection.
    fn products_at(&mut self, pair: usize, sign: f64) {
        let waves = self.wavenumbers.len();
        let start = 2 * waves * pair;
        let at = |field: &Mirrored, k: usize| field.even[start + k] + sign * field.odd[start + k];
        let k = &self.wavenumbers;
        let complex = |field: &Mirrored, i: usize| Complex64::new(at(field, i), at(field, waves + i));
        let [u, v, vorticity, b] = &mut self.values;
        self.rows.synthesise(waves, |i| complex(&self.psi_y, i), u);
        self.rows.synthesise(waves, |i| complex(&self.psi, i) * Complex64::new(0.0, -k[i]), v);
        self.rows.synthesise(waves, |i| complex(&self.psi, i) * (k[i] * k[i]) - complex(&self.psi_yy, i), vorticity);
        self.rows.synthesise(waves, |i| complex(&self.buoyancy, i), b);
        let mean = self.mean.even[pair] + sign * self.mean.odd[pair];
        let slope = self.mean_y.even[pair] + sign * self.mean_y.odd[pair];
        let conduction = 0.5 + sign * self.conduction[pair];
        for (((u, v), vorticity), b) in u.iter_mut().zip(v).zip(vorticity).zip(b) {
            let (along_x, along_y) = (*u + mean, *v);
            let rotation = *vorticity - slope;
            *u = rotation * along_y;
            *v = *b + conduction - rotation * along_x;
            *vorticity = 0.5 * (along_x * along_x + along_y * along_y);
        }
        for (field, values) in self.products.iter_mut().zip(&mut self.values) {
            for (i, c) in self.rows.analyse(values).take(waves).enumerate() {
                for (place, value) in [(start + i, c.re), (start + waves + i, c.im)] {
                    // First the lower line of the pair, then the upper one.
                    if sign > 0.0 {
                        (field.even[place], field.odd[place]) = (value, value);
                    } else {
                        field.even[place] += value;
                        field.odd[place] -= value;
                    }
                }
            }
        }
    }

    /// Adds the flux of `nu lap u` through the walls, `nu [q d2u_y/dy2]`, where `u_y = -i k psi`.
    fn add_walls(&mut self, viscosity: f64, state: &FlowState) {
        let width = 2 * self.wavenumbers.len();
        let waves = self.wavenumbers.len();
        for (wall, outward) in [(0, -1.0), (1, 1.0)] {
            for (i, k) in self.wavenumbers.iter().enumerate() {
                let sum = |part: usize| -> f64 {
                    let column = state.stream.chunks_exact(width).map(|row| row[part * waves + i]);
                    column.zip(&self.curvature[wall]).map(|(a, c)| a * c).sum()
                };
                let flux = Complex64::new(sum(0), sum(1)) * Complex64::new(0.0, -k * viscosity * outward);
                for (row, end) in self.coefficients.chunks_exact_mut(width).zip(&self.ends[wall]) {
                    row[i] += flux.re * end;
                    row[waves + i] += flux.im * end;
                }
            }
        }
    }
}
