//! Which trajectories each split has, with which parameters and initial conditions.

use physrep_random::keyed;
use rand::RngExt;

use super::generation::Generation;
use super::regimes::Region;
use super::system_suite::SystemSuite;
use crate::regime::Regime;
use crate::split::Split;
use crate::systems::Case;

/// One trajectory of a suite's system.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// The split.
    pub split: Split,
    /// Its regime, if it is held out.
    pub regime: Option<Regime>,
    /// Index within its split.
    pub index: usize,
    /// Its parameters and initial condition.
    pub case: Case,
}

/// All trajectories of a generated section, ordered by split, regime and index.
///
/// Parameters are uniform, on their scales, in the region of their split or regime, as the points of a low-discrepancy
/// sequence with a random start. The initial condition is drawn for each trajectory. Both are functions of `seed`, the
/// system's name, the split or regime, and the index alone: more trajectories in one leave the others as they were.
pub fn trajectories(section: &SystemSuite, generation: &Generation, seed: u64) -> Vec<Trajectory> {
    let mut all = Vec::new();
    for split in Split::ALL {
        let regimes: Vec<Option<Regime>> =
            if split == Split::HeldOut { Regime::ALL.map(Some).into() } else { vec![None] };
        let count = generation.trajectories[split];
        let mut index = 0;
        for regime in regimes {
            let part = regime.map_or(split.name(), Regime::name);
            let region = Region::of(generation.regimes, regime);
            for (number, point) in points(section, region, part, seed).take(count).enumerate() {
                let parameters = section.parameters.iter().zip(&point).map(|(p, &place)| p.at(place)).collect();
                let initial = initial(section, generation, part, number, seed);
                all.push(Trajectory { split, regime, index, case: Case { parameters, initial } });
                index += 1;
            }
        }
    }
    all
}

/// The points of a region, one coordinate per parameter: those of the additive recurrence `u_n = frac(s + n a)` with a
/// random start `s` that are in the region. `a_j = g^-j`, where `g` is the root of `g^(d + 1) = g + 1` for `d`
/// parameters (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences").
fn points<'s>(
    section: &'s SystemSuite,
    region: Region,
    part: &str,
    seed: u64,
) -> impl Iterator<Item = Vec<f64>> + use<'s> {
    let dimensions = section.parameters.len();
    let mut random =
        keyed("physrep-bench 2 parameters", &[&seed.to_le_bytes(), section.name.as_bytes(), part.as_bytes()]);
    let root = (0..64).fold(2.0f64, |root, _| (1.0 + root).powf(1.0 / (dimensions as f64 + 1.0)));
    let starts: Vec<f64> = (0..dimensions).map(|_| random.random()).collect();
    (1u64..)
        .map(move |n| {
            let place = |(j, start): (usize, &f64)| {
                let u = (start + n as f64 * root.powi(-(j as i32 + 1))).fract();
                region.low + u * (region.high - region.low)
            };
            starts.iter().enumerate().map(place).collect::<Vec<f64>>()
        })
        .filter(move |point| region.holds(point))
}

fn initial(section: &SystemSuite, generation: &Generation, part: &str, number: usize, seed: u64) -> Vec<f64> {
    let keys: [&[u8]; 4] =
        [&seed.to_le_bytes(), section.name.as_bytes(), part.as_bytes(), &(number as u64).to_le_bytes()];
    let mut random = keyed("physrep-bench 2 initial conditions", &keys);
    generation.initial.iter().map(|quantity| quantity.draw(&mut random)).collect()
}
