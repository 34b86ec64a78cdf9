//! What diffusion and the filter leave of every mode.

use super::advection::Advection;

/// The strength and order of the filter `exp(-36 (k / K)^36)` along each axis (Hou and Li 2007).
const FILTER: (f64, i32) = (36.0, 36);

/// The filter of modes with wavenumbers `k`; 1 for the mean.
pub(super) fn filter(k: &[f64]) -> Vec<f64> {
    let (strength, order) = FILTER;
    let highest = k.iter().fold(0.0_f64, |highest, k| highest.max(k.abs()));
    k.iter().map(|k| (-strength * (k.abs() / highest).powi(order)).exp()).collect()
}

/// The decay `exp(-nu k^2 t)` of every mode, as a product of one factor for each axis.
pub(super) struct Damping {
    pub x: AxisDecay,
    pub y: AxisDecay,
}

/// The factor of one axis.
pub(super) struct AxisDecay {
    /// `nu k^2`.
    rate: Vec<f64>,
    /// `exp(-nu k^2 t)`.
    pub decay: Vec<f64>,
}

impl Damping {
    pub fn new(diffusivity: f64, advection: &Advection) -> Self {
        let axis =
            |k: &[f64]| AxisDecay { rate: k.iter().map(|k| diffusivity * k * k).collect(), decay: vec![1.0; k.len()] };
        Self { x: axis(&advection.operators.kx), y: axis(&advection.operators.ky) }
    }

    /// Computes the decay over `time`.
    pub fn prepare(&mut self, time: f64) {
        for AxisDecay { rate, decay } in [&mut self.x, &mut self.y] {
            for (rate, decay) in rate.iter().zip(decay) {
                *decay = (-rate * time).exp();
            }
        }
    }
}
