//! Axes: the values along a length of paper, and which of them are ticks.

use physrep_benchmarks::label_scale::Scale;

use crate::number::number;

/// The values from `low` to `high`, on a linear or a logarithmic scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub scale: Scale,
    pub low: f64,
    pub high: f64,
    /// The values to write, ascending, all within the axis.
    pub ticks: Vec<f64>,
    /// What is written at the ticks, if not their values.
    pub names: Vec<String>,
}

/// The room at either end, as a fraction of the range of the values.
const ROOM: f64 = 0.05;

impl Axis {
    /// An axis for all of `values`, with room at both ends. Values without a place on it are ignored, such as 0 on a logarithmic scale.
    pub fn over(scale: Scale, values: impl IntoIterator<Item = f64>) -> Self {
        let placed = values.into_iter().map(|value| scale.apply(value)).filter(|value| value.is_finite());
        let (mut low, mut high) =
            placed.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // A single value is placed in the middle.
        let room = if high - low > 1e-9 * high.abs().max(low.abs()) { ROOM * (high - low) } else { 0.5 };
        Self::between(scale, scale.invert(low - room), scale.invert(high + room))
    }

    /// A linear axis from zero, with room above all of `values`.
    pub fn from_zero(values: impl IntoIterator<Item = f64>) -> Self {
        let high = values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self::between(Scale::Linear, 0.0, if high > 0.0 { (1.0 + ROOM) * high } else { 1.0 })
    }

    /// An axis of things that have no values but an order: they are placed at 0, 1, ...
    pub fn of_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: Vec<String> = names.into_iter().map(String::from).collect();
        let ticks: Vec<f64> = (0..names.len()).map(|place| place as f64).collect();
        Self { scale: Scale::Linear, low: -0.25, high: names.len() as f64 - 0.75, ticks, names }
    }

    /// The ticks, and what is written at each.
    pub fn written(&self) -> impl Iterator<Item = (f64, String)> {
        let name =
            |(place, tick): (usize, &f64)| (*tick, self.names.get(place).cloned().unwrap_or_else(|| number(*tick)));
        self.ticks.iter().enumerate().map(name)
    }

    fn between(scale: Scale, low: f64, high: f64) -> Self {
        let ticks = match scale {
            Scale::Log10 => log_ticks(low, high),
            _ => linear_ticks(low, high),
        };
        Self { scale, low, high, ticks, names: Vec::new() }
    }

    /// The place of a value, 0 at the low end and 1 at the high one; values beyond an end are placed at it.
    pub fn place(&self, value: f64) -> f64 {
        let [low, high, value] = [self.low, self.high, value].map(|value| self.scale.apply(value));
        let place = (value - low) / (high - low);
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }
}

/// Three to six multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64) -> Vec<f64> {
    let range = high - low;
    let power = 10f64.powf((range / 3.0).log10().floor());
    let step = [5.0, 2.0, 1.0].map(|m| m * power).into_iter().find(|step| range / step >= 3.0).unwrap_or(power);
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    // Dividing by the reciprocal of small steps keeps 0.3 from becoming 0.30000000000000004.
    let multiple = |k: i64| if step < 1.0 { k as f64 / (1.0 / step).round() } else { k as f64 * step };
    let exact = step >= 1.0 || ((1.0 / step).round() * step - 1.0).abs() < 1e-9;
    (first..=last).map(|k| if exact { multiple(k) } else { k as f64 * step }).collect()
}

/// Powers of ten, with 2 and 5 times them, or 3 times, where there are few; even steps where there are none.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let within = |mantissas: &[f64], every: i32| -> Vec<f64> {
        (first..=last)
            .filter(|decade| decade.rem_euclid(every) == 0)
            .flat_map(|decade| mantissas.iter().map(move |m| power_of_ten(*m, decade)))
            .filter(|tick| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(tick))
            .collect()
    };
    let decades = (high / low).log10();
    let choices = match decades {
        d if d < 1.7 => vec![within(&[1.0, 2.0, 5.0], 1), within(&[1.0, 2.0, 3.0, 5.0, 7.0], 1)],
        d if d < 3.0 => vec![within(&[1.0, 3.0], 1)],
        d => vec![within(&[1.0], (d / 5.0).ceil() as i32)],
    };
    choices.into_iter().find(|ticks| ticks.len() >= 3).unwrap_or_else(|| linear_ticks(low, high))
}

/// Correctly rounded, as a literal would be.
fn power_of_ten(mantissa: f64, exponent: i32) -> f64 {
    if exponent < 0 { mantissa / 10f64.powi(-exponent) } else { mantissa * 10f64.powi(exponent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(Axis::from_zero([0.3, 0.97]).ticks, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(Axis::over(Scale::Linear, [-2.5, -1.0]).ticks, [-2.5, -2.0, -1.5, -1.0]);
        assert_eq!(Axis::over(Scale::Log10, [100.0, 1000.0]).ticks, [100.0, 200.0, 500.0, 1000.0]);
        assert_eq!(Axis::over(Scale::Log10, [1e-2, 1.0]).ticks, [0.01, 0.03, 0.1, 0.3, 1.0]);
        assert_eq!(Axis::over(Scale::Log10, [1.0, 1e10]).ticks, [1.0, 1e3, 1e6, 1e9]);
        assert_eq!(Axis::over(Scale::Log10, [0.31, 0.35]).ticks, [0.31, 0.32, 0.33, 0.34, 0.35]);
    }

    #[test]
    fn names_stand_in_their_order() {
        let axis = Axis::of_names(["test", "near"]);
        assert_eq!(axis.written().collect::<Vec<_>>(), [(0.0, "test".into()), (1.0, "near".into())]);
        assert!(0.0 < axis.place(0.0) && axis.place(0.0) < axis.place(1.0) && axis.place(1.0) < 1.0, "{axis:?}");
        assert_eq!(Axis::from_zero([1.0]).written().nth(1), Some((0.2, "0.2".into())));
    }

    #[test]
    fn every_value_has_a_place_and_the_ends_hold_what_lies_beyond() {
        let axis = Axis::over(Scale::Log10, [1.0, 100.0, f64::NAN, 0.0, -3.0]);
        assert!((axis.place(10.0) - 0.5).abs() < 1e-12, "{axis:?}");
        assert_eq!((axis.place(1e-9), axis.place(1e9), axis.place(f64::NAN)), (0.0, 1.0, 0.0));
        for values in [vec![], vec![f64::NAN], vec![0.0], vec![7.0, 7.0]] {
            for scale in [Scale::Linear, Scale::Log10] {
                let axis = Axis::over(scale, values.iter().copied());
                assert!(axis.low < axis.high && axis.ticks.len() < 12, "{axis:?}");
                assert!(axis.ticks.iter().all(|tick| (0.0..=1.0).contains(&axis.place(*tick))), "{axis:?}");
            }
        }
    }
}
