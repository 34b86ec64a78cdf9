//! How the losses of pretraining went.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use maud::html;

use super::{
    figure::{Data, Figure, Panel, file_name},
    plot::{Axis, Frame, Margin, line},
    rows::{Palette, spaced},
};
use crate::{
    board::{Board, Row},
    cell::Initialisation,
    plan::Plan,
    pretrain::Curves,
    result::Identity,
};

/// Points of a curve at most: more than the eye tells apart at its width.
const POINTS: usize = 240;

/// The curve of one seed.
type Curve = (u64, Vec<[f64; 2]>);

/// One figure a system, one of the joint pretrainings; one panel a row, as each has a loss of its own.
pub(super) fn figures(run: &Path, plan: &Plan, board: &Board<'_>, palette: &Palette) -> Vec<Figure> {
    let mut seen = BTreeSet::new();
    let mut figures: Vec<Figure> = Vec::new();
    for joint in [false, true] {
        for system in &board.systems {
            let name = if joint { "all systems" } else { system.name };
            let mut data = Data::new(&["system", "method", "initialisation", "seed", "step", "loss"]);
            let mut panels = Vec::new();
            let wanted = if joint { Initialisation::Joint } else { Initialisation::Pretrained };
            for row in system.rows.iter().filter(|row| row.cell.initialisation == wanted) {
                let curves = curves(run, plan, row, &mut seen);
                for (seed, curve) in &curves {
                    for [step, loss] in curve {
                        let of = [name.into(), row.cell.method.clone(), wanted.to_string(), seed.to_string()];
                        let [system, method, initialisation, seed] = of;
                        data.push([system, method, initialisation, seed, step.to_string(), loss.to_string()]);
                    }
                }
                panels.extend(panel(row, &curves, palette));
            }
            if !panels.is_empty() {
                figures.push(Figure {
                    name: format!("training-{}", if joint { "joint".into() } else { file_name(name) }),
                    title: format!("{}: loss of pretraining.", spaced(name)),
                    caption: format!(
                        "Each method has a loss of its own, so that only its shape can be compared. One line a seed; where there are \
                         more than {POINTS} steps, means over neighbouring ones."
                    ),
                    columns: 3,
                    panels,
                    data,
                });
            }
        }
    }
    figures
}

/// The curves of a row that are there, each pretraining once: cells of several systems may share one.
fn curves(run: &Path, plan: &Plan, row: &Row<'_>, seen: &mut BTreeSet<PathBuf>) -> Vec<Curve> {
    let same_row = |identity: &Identity| {
        (&identity.system, &identity.method, identity.initialisation)
            == (&row.cell.system, &row.cell.method, row.cell.initialisation)
    };
    let mut curves = Vec::new();
    for planned in plan.cells.iter().filter(|planned| same_row(&planned.identity)) {
        let Some(cell) = planned.cell(run) else { continue };
        let path = cell.pretraining(run).curves();
        if !path.is_file() || !seen.insert(path.clone()) {
            continue;
        }
        // Curves are no part of a result: a report can do without one.
        let Ok(points) = Curves::read(&path) else { continue };
        let losses = points.points().into_iter().filter(|(name, ..)| name == "loss");
        let losses: Vec<[f64; 2]> = losses.map(|(_, step, value)| [step as f64, value]).collect();
        if losses.iter().any(|[_, loss]| loss.is_finite()) {
            curves.push((planned.identity.seed, thinned(&losses)));
        }
    }
    curves
}

/// Means over as many neighbours as leave no more than [`POINTS`].
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mean = |chunk: &[[f64; 2]], axis: usize| chunk.iter().map(|p| p[axis]).sum::<f64>() / chunk.len() as f64;
    points.chunks(points.len().div_ceil(POINTS).max(1)).map(|chunk| [mean(chunk, 0), mean(chunk, 1)]).collect()
}

fn panel(row: &Row<'_>, curves: &[Curve], palette: &Palette) -> Option<Panel> {
    let points = || curves.iter().flat_map(|(_, curve)| curve);
    let [first, last] = [curves.first()?.1.first()?, curves.first()?.1.last()?];
    let scale = physrep_benchmarks::labels::Scale::Linear;
    let frame = Frame {
        size: [270.0, 210.0],
        margin: Margin { left: 42.0, right: 12.0, top: 42.0, bottom: 38.0 },
        x: Axis::from_zero(points().map(|[step, _]| *step)),
        y: Axis::over(scale, points().map(|[_, loss]| *loss)),
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
            "The loss goes from {:.4} at step {:.0} to {:.4} at step {:.0} (seed {}).",
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
