//! Held-out parameters: the error on test and in each regime.

use physrep_benchmarks::Regime;
use physrep_records::Track;

use super::{
    figure::{Data, Figure, Panel, optional},
    lines::{self, Series},
    names::{file_name, spaced},
    palette::{Palette, shared_marks},
};
use crate::{
    leaderboard::{Estimate, RowScore, SystemLeaderboard},
    plot::Axis,
};

/// The name of test in the data.
const TEST: &str = "test";

/// One panel per probe; none for a suite without held-out parameters.
pub(crate) fn figure(system: &SystemLeaderboard<'_>, palette: &Palette) -> Option<Figure> {
    let mut data = Data::new(&["system", "method", "initialisation", "probe", "regime", "mse", "low", "high"]);
    let panels: Vec<Panel> =
        system.probes(Track::Frozen).into_iter().filter_map(|probe| panel(system, probe, palette, &mut data)).collect();
    (!panels.is_empty()).then(|| Figure {
        name: format!("regimes-{}", file_name(system.name)),
        title: format!("{}: error on held-out parameters.", spaced(system.name)),
        caption: format!(
            "Mean squared error, on a logarithmic axis, on test and on trajectories with parameters that train does not have: in the gap \
             that train leaves in the ranges (interpolation), a little beyond their ends (near extrapolation) and further beyond them (far \
             extrapolation). Bars: 95 % intervals. Solid lines: pretrained encoders; dashed lines with hollow marks: the same encoders at \
             random initialisation.{} Thin lines: floors; the mean of the labels of train scores 1 on test, but not in a regime.",
            shared_marks(system.rows.iter())
        ),
        columns: 2,
        panels,
        data,
    })
}

fn panel(system: &SystemLeaderboard<'_>, probe: &str, palette: &Palette, data: &mut Data) -> Option<Panel> {
    let regimes = system.regimes();
    let series = system.rows.iter().filter_map(|row| {
        // The mean label is no probe's estimate: it stands in each panel.
        let score = row.score(Track::Frozen, probe).or_else(|| row.score(Track::Frozen, "mean"))?;
        let points = points(score, &regimes);
        (points.len() > 1).then_some(Series { row, points })
    });
    let series: Vec<Series<'_, '_>> = series.collect();
    if series.is_empty() {
        return None;
    }
    let names: Vec<&str> = [TEST].into_iter().chain(regimes.iter().map(|regime| regime.name())).collect();
    for Series { row, points } in &series {
        for (place, error) in points {
            data.push([
                system.name.into(),
                row.methods(),
                row.identity.initialisation.to_string(),
                probe.into(),
                names[*place as usize].into(),
                error.mse.to_string(),
                optional(error.interval.map(|interval| interval.low)),
                optional(error.interval.map(|interval| interval.high)),
            ]);
        }
    }
    let said = series.iter().map(|Series { row, points }| {
        let errors =
            points.iter().map(|(place, error)| format!("{:.3} on {}", error.mse, spaced(names[*place as usize])));
        format!("{}: {}", row.name(), errors.collect::<Vec<_>>().join(", "))
    });
    let ticks = [TEST].into_iter().chain(regimes.iter().copied().map(tick));
    Some(Panel {
        title: format!("{probe} probe"),
        description: format!("Mean squared errors by regime. {}.", said.collect::<Vec<_>>().join("; ")),
        size: lines::SIZE,
        drawing: lines::drawing(&series, Axis::of_names(ticks), "where the parameters lie", None, palette),
    })
}

/// The error on test at 0, and on each regime at the places after it.
fn points(score: &RowScore, regimes: &[Regime]) -> Vec<(f64, Estimate)> {
    let of = |regime: &Regime| score.by_regime.iter().find(|by| by.regime == *regime).map(|by| by.error);
    let errors = std::iter::once(Some(score.test)).chain(regimes.iter().map(of)).enumerate();
    errors.filter_map(|(place, error)| Some((place as f64, error?))).collect()
}

/// What stands at the axis.
fn tick(regime: Regime) -> &'static str {
    match regime {
        Regime::Interpolation => "gap",
        Regime::NearExtrapolation => "near",
        Regime::FarExtrapolation => "far",
    }
}
