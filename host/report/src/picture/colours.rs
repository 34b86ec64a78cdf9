//! From values to colours.

use colorous::{Gradient, INFERNO, RED_BLUE, VIRIDIS};

use super::canvas::Rgb;

/// The fraction of the values at either end that may lie beyond the scale, so that a few extremes do not make all others pale.
const BEYOND: f64 = 0.001;

/// The fraction of the diverging gradient at either end that is left out: too dark to tell red from blue.
const DARK_ENDS: f64 = 0.06;

/// A colour scale: perceptually uniform for quantities of one sign, diverging from white at zero for others.
pub(crate) struct Colours {
    pub low: f64,
    pub high: f64,
    /// Whether some values lie below `low`, and above `high`.
    pub beyond: [bool; 2],
    gradient: Gradient,
    /// Whether the gradient diverges from its middle; its reds are its low end then.
    diverging: bool,
}

impl Colours {
    /// A scale for the values of a quantity.
    pub fn of(quantity: &str, values: impl Iterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = values.collect();
        sorted.sort_by(f32::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let at = |part: f64| sorted.get((part * last as f64).round() as usize).map_or(0.0, |&v| f64::from(v));
        let (mut low, mut high) = (at(BEYOND), at(1.0 - BEYOND));
        let signed = low < 0.0 && high > 0.0 && low.abs().min(high) > 0.05 * low.abs().max(high);
        if signed {
            high = high.max(-low);
            low = -high;
        }
        if high <= low {
            // A constant: any interval around it.
            let half = if low == 0.0 { 1.0 } else { 0.5 * low.abs() };
            (low, high) = (low - half, high + half);
        }
        let (gradient, diverging) = match (signed, quantity) {
            (true, _) => (RED_BLUE, true),
            (false, "buoyancy") => (INFERNO, false),
            (false, _) => (VIRIDIS, false),
        };
        // Values that exceed a bound by rounding only are not beyond it.
        let slack = 0.005 * (high - low);
        let beyond = [at(0.0) < low - slack, at(1.0) > high + slack];
        Self { low, high, beyond, gradient, diverging }
    }

    /// The colour of a value; the ends' colours beyond them.
    pub fn colour(&self, value: f64) -> Rgb {
        let place = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let place = match self.diverging {
            true => 0.5 + (1.0 - 2.0 * DARK_ENDS) * (0.5 - place),
            false => place,
        };
        let colour = self.gradient.eval_continuous(place);
        [colour.r, colour.g, colour.b]
    }

    /// The ticks of the scale: four to nine multiples of 1, 2 or 5 times a power of ten.
    pub fn ticks(&self) -> Vec<f64> {
        let range = self.high - self.low;
        let power = 10f64.powf((range / 4.0).log10().floor());
        let step = [5.0, 2.0, 1.0].map(|m| m * power).into_iter().find(|step| range / step >= 4.0).unwrap_or(power);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|k| k as f64 * step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_quantities_have_zero_in_the_middle_and_white() {
        let scale = Colours::of("tracer", (0..=100).map(|i| i as f32 / 100.0 - 0.4));
        assert_eq!((scale.low, scale.high), (-f64::from(0.6f32), f64::from(0.6f32)));
        assert!(scale.colour(0.0).iter().all(|&c| c > 235), "{:?}", scale.colour(0.0));
        let ([red, _, _], [_, _, blue]) = (scale.colour(0.5), scale.colour(-0.5));
        assert!(red > 150 && blue > 150);
        assert_eq!(
            scale.ticks().iter().map(|t| (t * 10.0).round() as i64).collect::<Vec<_>>(),
            [-6, -4, -2, 0, 2, 4, 6]
        );
    }

    #[test]
    fn a_few_extremes_do_not_stretch_the_scale() {
        let values = (0..100_000).map(|i| if i == 7 { 1e9 } else { (i % 1000) as f32 / 1000.0 });
        let scale = Colours::of("any", values);
        assert!(scale.low >= 0.0 && scale.high <= 1.0 && scale.beyond == [false, true]);
        assert_eq!(scale.colour(1e9), scale.colour(scale.high));
    }

    #[test]
    fn a_constant_has_a_scale_too() {
        for constant in [0.0, 1.0, -3e-7] {
            let scale = Colours::of("any", [constant; 9].into_iter());
            assert!(scale.low < f64::from(constant) && f64::from(constant) < scale.high && scale.ticks().len() >= 4);
        }
    }
}
