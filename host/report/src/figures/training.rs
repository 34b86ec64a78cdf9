//! The losses of pretraining.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use maud::html;
use physrep_benchmarks::label_scale::Scale;
use physrep_records::{Curves, Identity, Initialisation, RunManifest};

use super::{
    figure::{Data, Figure, Panel},
    names::{file_name, spaced},
    palette::Palette,
};
use crate::{
    leaderboard::{Leaderboard, Row, SystemLeaderboard},
    plot::{Axis, Frame, Margin, line},
};

/// The largest number of points of a curve: more than the eye resolves at its width.
const POINTS: usize = 240;

/// A seed, and the step and loss of each point.
type Curve = (u64, Vec<[f64; 2]>);

/// One figure per system, and one of the joint pretrainings; one panel per row, since each method has a loss of its own.
pub(crate) fn figures(
    run: &Path,
    manifest: &RunManifest,
    leaderboard: &Leaderboard<'_>,
    palette: &Palette,
) -> Vec<Figure> {
    let mut seen = BTreeSet::new();
    let mut figures: Vec<Figure> = Vec::new();
    for initialisation in [Initialisation::Pretrained, Initialisation::Joint] {
        for system in &leaderboard.systems {
            let mut curves = |row: &Row<'_>| curves(run, manifest, row, &mut seen);
            figures.extend(figure(system, initialisation, &mut curves, palette));
        }
    }
    figures
}

/// The figure of the rows of a system in one initialisation; none without curves.
fn figure(
    system: &SystemLeaderboard<'_>,
    initialisation: Initialisation,
    curves: &mut dyn FnMut(&Row<'_>) -> Vec<Curve>,
    palette: &Palette,
) -> Option<Figure> {
    let (title, file) = match initialisation {
        Initialisation::Joint => ("all systems", "joint".to_owned()),
        _ => (system.name, file_name(system.name)),
    };
    let mut data = Data::new(&["system", "method", "initialisation", "seed", "step", "loss"]);
    let mut panels = Vec::new();
    for row in system.rows.iter().filter(|row| row.identity.initialisation == initialisation) {
        let curves = curves(row);
        for (seed, curve) in &curves {
            for [step, loss] in curve {
                data.push([
                    title.into(),
                    row.methods(),
                    initialisation.to_string(),
                    seed.to_string(),
                    step.to_string(),
                    loss.to_string(),
                ]);
            }
        }
        panels.extend(panel(row, &curves, palette));
    }
    (!panels.is_empty()).then(|| Figure {
        name: format!("training-{file}"),
        title: format!("{}: loss of pretraining.", spaced(title)),
        caption: format!(
            "Each method has a loss of its own, so that only shapes can be compared. One line per seed; for more than {POINTS} steps, means \
             over neighbouring steps."
        ),
        columns: 3,
        panels,
        data,
    })
}

/// The curves of a row that exist, each pretraining once: the cells of several systems may share one.
fn curves(run: &Path, manifest: &RunManifest, row: &Row<'_>, seen: &mut BTreeSet<PathBuf>) -> Vec<Curve> {
    let same_row = |identity: &Identity| {
        (&identity.system, &identity.method, identity.initialisation)
            == (&row.identity.system, &row.identity.method, row.identity.initialisation)
    };
    let mut curves = Vec::new();
    for listed in manifest.cells.iter().filter(|listed| same_row(&listed.identity)) {
        let Some(cell) = listed.cell(run) else { continue };
        let path = cell.pretraining(run).curves();
        if !path.is_file() || !seen.insert(path.clone()) {
            continue;
        }
        // No score depends on curves, so the report leaves out curves that cannot be read.
        let Ok(points) = Curves::read(&path) else { continue };
        let losses = points.points().into_iter().filter(|(name, ..)| name == "loss");
        let losses: Vec<[f64; 2]> = losses.map(|(_, step, value)| [step as f64, value]).collect();
        if losses.iter().any(|[_, loss]| loss.is_finite()) {
            curves.push((listed.identity.seed, thinned(&losses)));
        }
    }
    curves
}

/// Means over neighbouring points, so that at most [`POINTS`] are left.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mean = |chunk: &[[f64; 2]], axis: usize| chunk.iter().map(|p| p[axis]).sum::<f64>() / chunk.len() as f64;
    points.chunks(points.len().div_ceil(POINTS).max(1)).map(|chunk| [mean(chunk, 0), mean(chunk, 1)]).collect()
}

fn panel(row: &Row<'_>, curves: &[Curve], palette: &Palette) -> Option<Panel> {
    let points = || curves.iter().flat_map(|(_, curve)| curve);
    let [first, last] = [curves.first()?.1.first()?, curves.first()?.1.last()?];
    let frame = Frame {
        size: [270.0, 210.0],
        margin: Margin { left: 42.0, right: 12.0, top: 42.0, bottom: 38.0 },
        x: Axis::from_zero(points().map(|[step, _]| *step)),
        y: Axis::over(Scale::Linear, points().map(|[_, loss]| *loss)),
    };
    let drawing = html! {
        (frame.axes("step", "loss"))
        g class={ (palette.ink(row).class()) " thin" } {
            @for (_, curve) in curves {
                (line(&curve.iter().map(|[step, loss]| [frame.at_x(*step), frame.at_y(*loss)]).collect::<Vec<_>>(), "line"))
            }
        }
    };
    Some(Panel {
        title: row.name(),
        description: format!(
            "The loss is {:.4} at step {:.0} and {:.4} at step {:.0} (seed {}).",
            first[1], first[0], last[1], last[0], curves[0].0
        ),
        size: frame.size,
        drawing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_are_thinned_to_means() {
        let points: Vec<[f64; 2]> = (0..1000).map(|step| [f64::from(step), 1.0]).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS && thin.iter().all(|[_, loss]| *loss == 1.0));
        assert_eq!(thin[0][0], 2.0);
        assert_eq!(thinned(&points[..3]), points[..3]);
        assert!(thinned(&[]).is_empty());
    }
}
