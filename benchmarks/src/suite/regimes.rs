//! Where the parameters of each split and regime lie.

use serde::{Deserialize, Serialize};

use crate::regime::Regime;

/// The regimes of held-out trajectories, in fractions of each parameter's range on its scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regimes {
    /// The width of the gap in the middle of the ranges: where all parameters lie in theirs is interpolation, and in
    /// no other split.
    pub gap: f64,
    /// How far near extrapolation reaches beyond the ends.
    pub near: f64,
    /// How far far extrapolation reaches beyond the ends.
    pub far: f64,
}

/// A region of parameters: the box between `low` and `high` along every parameter, without the box `hole`.
/// 0 and 1 are the ends of a parameter's range on its scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Region {
    pub low: f64,
    pub high: f64,
    hole: Option<[f64; 2]>,
}

impl Region {
    /// The region of a regime, or of the splits that are not held out.
    pub fn of(regimes: Option<Regimes>, regime: Option<Regime>) -> Self {
        let Some(Regimes { gap, near, far }) = regimes else { return Self { low: 0.0, high: 1.0, hole: None } };
        let middle = [0.5 - 0.5 * gap, 0.5 + 0.5 * gap];
        let beyond = |reach: f64, hole| Self { low: -reach, high: 1.0 + reach, hole: Some(hole) };
        match regime {
            None => beyond(0.0, middle),
            Some(Regime::Interpolation) => Self { low: middle[0], high: middle[1], hole: None },
            Some(Regime::NearExtrapolation) => beyond(near, [0.0, 1.0]),
            Some(Regime::FarExtrapolation) => beyond(far, [-near, 1.0 + near]),
        }
    }

    /// Whether a point of the box is not in the hole.
    pub fn holds(&self, point: &[f64]) -> bool {
        self.hole.is_none_or(|[low, high]| !point.iter().all(|place| (low..=high).contains(place)))
    }
}

/// How many times its range a parameter may lie beyond it.
const FARTHEST: f64 = 100.0;

impl Regimes {
    /// The variance along a parameter of points that are uniform where train is, of that many parameters:
    /// `(1 - g^(d + 2)) / (12 (1 - g^d))` with the gap `g`.
    pub(super) fn unit_variance(regimes: Option<Self>, parameters: usize) -> f64 {
        let gap = regimes.map_or(0.0, |regimes| regimes.gap);
        let hole = gap.powi(parameters as i32);
        (1.0 - hole * gap * gap) / (12.0 * (1.0 - hole))
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let Self { gap, near, far } = *self;
        if (gap > 0.0 && gap < 1.0) && (near > 0.0 && near < far && far <= FARTHEST) {
            return Ok(());
        }
        Err(format!(
            "`regimes` need a `gap` between 0 and 1, a `near` above 0 and below `far`, and a `far` of at most {FARTHEST}, but have {gap}, {near} and {far}"
        ))
    }
}
