//! The explicit terms, advection and buoyancy: integrals over products of fields, evaluated at quadrature points.

use rustfft::num_complex::Complex64;

use super::basis::Basis;
use super::flow::{FlowState, Space};
use super::layer::{Evaluation, Mirrored};
use super::rows::RowTransform;

/// Evaluates the explicit terms.
pub(super) struct Advection {
    rows: RowTransform,
    wavenumbers: Vec<f64>,
    /// The conduction profile at pairs of points: its even part is 1/2, this is the odd one.
    conduction: Vec<f64>,
    /// The largest wavenumber along `y` that the polynomials hold there, at pairs of points.
    resolved: Vec<f64>,
    stream: [Evaluation; 3],
    dirichlet: [Evaluation; 2],
    psi: Mirrored,
    psi_y: Mirrored,
    buoyancy: Mirrored,
    mean: Mirrored,
    /// Products as they meet the stream function's second and first derivative and itself.
    momentum: [Mirrored; 3],
    /// Products as they meet the buoyancy's basis' derivative and itself.
    heat: [Mirrored; 2],
    shear: Mirrored,
    values: [Vec<f64>; 3],
    products: [Vec<f64>; 4],
}

impl Advection {
    pub fn new(space: &Space) -> Self {
        let (pairs, width) = (space.pairs(), space.width());
        let lower = &space.rule.points[..pairs];
        let evaluation = |basis, derivative| Evaluation::new(basis, derivative, space.degrees, &space.rule);
        let zeros = || Mirrored::zeros(pairs, width);
        let values = || vec![0.0; space.points];
        Self {
            rows: RowTransform::new(space.points),
            wavenumbers: space.wavenumbers.clone(),
            conduction: lower.iter().map(|s| -0.5 * s).collect(),
            // T_n(cos t) = cos(n t): at y = (1 + cos t) / 2 the wavenumber is n dt/dy.
            resolved: lower.iter().map(|s| 2.0 * (space.degrees - 1) as f64 / (1.0 - s * s).sqrt()).collect(),
            stream: [0, 1, 2].map(|derivative| evaluation(Basis::Clamped, derivative)),
            dirichlet: [0, 1].map(|derivative| evaluation(Basis::Dirichlet, derivative)),
            psi: zeros(),
            psi_y: zeros(),
            buoyancy: zeros(),
            mean: Mirrored::zeros(pairs, 1),
            momentum: [(); 3].map(|()| zeros()),
            heat: [(); 2].map(|()| zeros()),
            shear: Mirrored::zeros(pairs, 1),
            values: [(); 3].map(|()| values()),
            products: [(); 4].map(|()| values()),
        }
    }

    /// Writes the integrals of advection and buoyancy with every function of the bases to `rate`, and returns the
    /// fastest advection: the largest `|u_x| k_x + |u_y| k_y` over the points, with the largest wavenumbers that are
    /// resolved there, in radians per unit of time.
    ///
    /// With `w = (df/dy, -i k f)` the test velocity of a stream function `f exp(i k x)`, the momentum's rate is `-<w,
    /// div (u u)> + <w_y, b> = <f'' + k^2 f, u_x u_y> - i k <f', u_x^2 - u_y^2> + i k <f, b>`, the pressure's part
    /// being zero; the heat's is `-<f, div (u b)> = <f', u_y b> - i k <f, u_x b>`, the mean flow's `<f', u_x u_y>`.
    pub fn evaluate(&mut self, flow: &FlowState, rate: &mut FlowState) -> f64 {
        self.stream[0].evaluate(&flow.stream, &mut self.psi);
        self.stream[1].evaluate(&flow.stream, &mut self.psi_y);
        self.dirichlet[0].evaluate(&flow.buoyancy, &mut self.buoyancy);
        self.dirichlet[0].evaluate(&flow.mean, &mut self.mean);
        let mut fastest: f64 = 0.0;
        for pair in 0..self.conduction.len() {
            let peak = [1.0, -1.0].map(|sign| self.products_at(pair, sign));
            fastest = fastest.max(peak[0]).max(peak[1]);
        }
        self.add_buoyancy();

        rate.fill_zero();
        self.stream[2].add_integrals(&self.momentum[0], &mut rate.stream);
        self.stream[1].add_integrals(&self.momentum[1], &mut rate.stream);
        self.stream[0].add_integrals(&self.momentum[2], &mut rate.stream);
        self.dirichlet[1].add_integrals(&self.heat[0], &mut rate.buoyancy);
        self.dirichlet[0].add_integrals(&self.heat[1], &mut rate.buoyancy);
        self.dirichlet[1].add_integrals(&self.shear, &mut rate.mean);
        fastest
    }

    /// The products along one line of points, added to (`sign = -1`: subtracted from) those of the mirrored line.
    fn products_at(&mut self, pair: usize, sign: f64) -> f64 {
        let waves = self.wavenumbers.len();
        let row = 2 * waves * pair..2 * waves * (pair + 1);
        let at = |field: &Mirrored, k: usize| field.even[row.start + k] + sign * field.odd[row.start + k];
        let k = &self.wavenumbers;
        let [u, v, b] = &mut self.values;
        self.rows.synthesise(waves, |i| Complex64::new(at(&self.psi_y, i), at(&self.psi_y, waves + i)), u);
        self.rows.synthesise(waves, |i| k[i] * Complex64::new(at(&self.psi, waves + i), -at(&self.psi, i)), v);
        self.rows.synthesise(waves, |i| Complex64::new(at(&self.buoyancy, i), at(&self.buoyancy, waves + i)), b);

        let mean = self.mean.even[pair] + sign * self.mean.odd[pair];
        let conduction = 0.5 + sign * self.conduction[pair];
        let (k_x, k_y) = (k[waves - 1], self.resolved[pair]);
        let [difference, cross, flux_x, flux_y] = &mut self.products;
        // Several running maxima, so that the loop can go through many points at once.
        let mut peaks = [0.0f64; 8];
        let outputs = difference.iter_mut().zip(cross).zip(flux_x.iter_mut().zip(flux_y));
        let inputs = u.iter().zip(&*v).zip(&*b);
        for (i, (((u, v), b), ((difference, cross), (flux_x, flux_y)))) in inputs.zip(outputs).enumerate() {
            let (u, b) = (u + mean, b + conduction);
            *difference = u * u - v * v;
            *cross = u * v;
            *flux_x = u * b;
            *flux_y = v * b;
            let peak = u.abs() * k_x + v.abs() * k_y;
            peaks[i % 8] = if peak > peaks[i % 8] { peak } else { peaks[i % 8] };
        }

        let store = |field: &mut Mirrored, k: usize, value: f64| match sign > 0.0 {
            true => field.even[row.start + k] = value,
            false => {
                let mirrored = field.even[row.start + k];
                field.even[row.start + k] = mirrored + value;
                field.odd[row.start + k] = mirrored - value;
            }
        };
        let store_complex = |field: &mut Mirrored, k: usize, value: Complex64| {
            store(field, k, value.re);
            store(field, waves + k, value.im);
        };
        let [second, first, zeroth] = &mut self.momentum;
        let [along_y, along_x] = &mut self.heat;
        let [difference, cross, flux_x, flux_y] = &mut self.products;
        for (i, (c, k)) in self.rows.analyse(cross).zip(k).enumerate() {
            store_complex(second, i, c);
            store_complex(zeroth, i, c * (k * k));
        }
        for (i, (c, k)) in self.rows.analyse(difference).zip(k).enumerate() {
            store_complex(first, i, Complex64::new(k * c.im, -k * c.re));
        }
        for (i, (c, _)) in self.rows.analyse(flux_y).zip(k).enumerate() {
            store_complex(along_y, i, c);
        }
        for (i, (c, k)) in self.rows.analyse(flux_x).zip(k).enumerate() {
            store_complex(along_x, i, Complex64::new(k * c.im, -k * c.re));
        }
        peaks.into_iter().fold(0.0, f64::max)
    }

    /// Adds `i k b` to the products that meet the stream function itself, and moves those of the mean flow to `shear`.
    fn add_buoyancy(&mut self) {
        let waves = self.wavenumbers.len();
        let [second, _, zeroth] = &mut self.momentum;
        let sides = [(&mut zeroth.even, &self.buoyancy.even), (&mut zeroth.odd, &self.buoyancy.odd)];
        for (target, source) in sides {
            for (target, source) in target.chunks_exact_mut(2 * waves).zip(source.chunks_exact(2 * waves)) {
                let (target_re, target_im) = target.split_at_mut(waves);
                let (source_re, source_im) = source.split_at(waves);
                for (i, k) in self.wavenumbers.iter().enumerate() {
                    // Sums and differences over a pair of points are twice the even and the odd part.
                    target_re[i] -= 2.0 * k * source_im[i];
                    target_im[i] += 2.0 * k * source_re[i];
                }
            }
        }
        let sides = [(&mut second.even, &mut self.shear.even), (&mut second.odd, &mut self.shear.odd)];
        for (products, shear) in sides {
            for (products, shear) in products.chunks_exact_mut(2 * waves).zip(shear) {
                *shear = std::mem::take(&mut products[0]);
                products[waves] = 0.0;
            }
        }
    }
}
