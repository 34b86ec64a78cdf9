//! Trajectories of a quantity: a few frames for each of a few sets of parameters, solved or read from files.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use physrep_benchmarks::{
    Result, Split,
    suite::{Generation, Initial, SystemSuite},
    systems::{Case, PhysicalParameter, Resolution, System},
    well::{self, WellFile},
};
use physrep_report::contact_sheet::{Quantity, Trajectories, Trajectory};
use rayon::prelude::*;

use super::cases::corners_and_middle;
use crate::{display::Display, error::Error};

/// Solves the suite's corner cases, all from the same initial condition: the middle value of each of its parameters.
pub(super) fn solve(
    system: &dyn System,
    section: &SystemSuite,
    generation: &Generation,
    resolution: Resolution,
    quantity: &Quantity,
    columns: usize,
    display: &Display,
) -> Result<Trajectories, Error> {
    let sets = corners_and_middles(section);
    let initial: Vec<f64> = generation.initial.iter().map(middle).collect();
    let constants = section.constants(system);
    let index = system.fields().iter().position(|field| field.name == quantity.field).unwrap_or_default();
    let axes = system.axes_with(&constants);
    let kept = spread(section.frames, columns);
    let rows = corners_and_middle(&sets);
    let (done, total) = (AtomicU64::new(0), (rows.len() * section.frames) as u64);
    let solve_row = |&row: &usize| -> Result<Trajectory> {
        let case = Case { parameters: sets[row].clone(), initial: initial.clone() };
        let mut trajectory = Trajectory { parameters: case.parameters.clone(), times: Vec::new(), frames: Vec::new() };
        let mut frame_index = 0;
        system.simulate(&constants, &case, &resolution, section.frames, section.dt, &mut |frame| {
            if kept.contains(&frame_index) {
                trajectory.times.push(frame.time);
                trajectory.frames.push(quantity.evaluate(frame.fields[index], resolution.store, &axes));
            }
            frame_index += 1;
            display.progress(system.name(), "solve", done.fetch_add(1, Ordering::Relaxed) + 1, total, "");
            Ok(())
        })?;
        Ok(trajectory)
    };
    let trajectories = rows.par_iter().map(solve_row).collect::<Result<_>>()?;
    let from: Vec<_> =
        system.initial_condition().iter().zip(&initial).map(|(name, value)| format!("{name} {value}")).collect();
    let ([sx, sy], [nx, ny]) = (resolution.solve, resolution.store);
    let origin = format!("solved on {sx} × {sy}, kept on {nx} × {ny} points; all from {}", from.join(", "));
    Ok(Trajectories { rows: trajectories, grid: resolution.store, origin })
}

/// Reads the corner cases of the data in `data/SYSTEM`.
pub(super) fn read(
    system: &dyn System,
    data: &Path,
    quantity: &Quantity,
    columns: usize,
) -> Result<Trajectories, Error> {
    let mut sets: Vec<Vec<f64>> = Vec::new();
    let mut places: Vec<(PathBuf, usize)> = Vec::new();
    let mut none = None;
    for split in [Split::Test, Split::Valid, Split::Train] {
        let found = well::split_files(data, system.name(), split);
        for path in found.unwrap_or_else(|error| {
            none = Some(error);
            Vec::new()
        }) {
            for (index, set) in parameters(system, &WellFile::open(&path)?)?.into_iter().enumerate() {
                if !sets.contains(&set) {
                    sets.push(set);
                    places.push((path.clone(), index));
                }
            }
        }
    }
    if let (true, Some(error)) = (places.is_empty(), none) {
        return Err(error.into());
    }
    // In the order of the parameters, independent of the names of the files.
    let mut order: Vec<usize> = (0..sets.len()).collect();
    order.sort_by(|&a, &b| sets[a].partial_cmp(&sets[b]).unwrap_or(std::cmp::Ordering::Equal));
    let sorted: Vec<Vec<f64>> = order.iter().map(|&set| sets[set].clone()).collect();

    let axes = system.axes();
    let mut trajectories = Vec::new();
    let mut grid = None;
    for row in corners_and_middle(&sorted) {
        let (path, index) = &places[order[row]];
        let file = WellFile::open(path)?;
        let layout = file.layout();
        let expected = *grid.get_or_insert(layout.grid());
        if layout.grid() != expected || layout.trajectories == 0 {
            let reason = format!(
                "{} trajectories on a grid of {:?}, but a picture needs one on {expected:?}, as in the other files",
                layout.trajectories,
                layout.grid()
            );
            return Err(Error::file(file.path(), reason));
        }
        let kept = spread(layout.times.len(), columns);
        let mut trajectory = Trajectory { parameters: sorted[row].clone(), times: Vec::new(), frames: Vec::new() };
        for frame in kept {
            trajectory.times.push(layout.times[frame]);
            let values = file.read(&quantity.field, *index..index + 1, frame..frame + 1)?;
            trajectory.frames.push(quantity.evaluate(&values, expected, &axes));
        }
        trajectories.push(trajectory);
    }
    let [nx, ny] = grid.unwrap_or_default();
    Ok(Trajectories { rows: trajectories, grid: [nx, ny], origin: format!("read from files with {nx} × {ny} points") })
}

/// The parameters of each trajectory of a file, in the system's order.
fn parameters(system: &dyn System, file: &WellFile) -> Result<Vec<Vec<f64>>, Error> {
    let layout = file.layout();
    let of = |trajectory: usize, parameter: &PhysicalParameter| {
        let mut names = std::iter::once(&parameter.name).chain(parameter.aliases);
        let value = names.find_map(|name| layout.scalars.iter().find(|scalar| scalar.name == *name)?.of(trajectory));
        value.ok_or_else(|| {
            Error::file(file.path(), format!("it has no scalar {}, which {} needs", parameter.name, system.name()))
        })
    };
    let parameters = system.parameters();
    (0..layout.trajectories).map(|index| parameters.iter().map(|parameter| of(index, parameter)).collect()).collect()
}

/// All combinations of the lower ends, the middles and the upper ends of the ranges, the last parameter varying fastest.
fn corners_and_middles(section: &SystemSuite) -> Vec<Vec<f64>> {
    section.parameters.iter().fold(vec![Vec::new()], |sets, parameter| {
        let extended = |set: &Vec<f64>| [0.0, 0.5, 1.0].map(|place| [set.as_slice(), &[parameter.at(place)]].concat());
        sets.iter().flat_map(extended).collect()
    })
}

/// A value in the middle of a distribution.
fn middle(quantity: &Initial) -> f64 {
    match quantity.range {
        Some([low, high]) => 0.5 * (low + high),
        None => quantity.values.get(quantity.values.len().saturating_sub(1) / 2).copied().unwrap_or_default(),
    }
}

/// The indices of `count` of `frames` frames, evenly spaced from the first to the last; all if there are no more.
fn spread(frames: usize, count: usize) -> Vec<usize> {
    match count.min(frames) {
        0 => Vec::new(),
        1 => vec![0],
        n => (0..n).map(|k| (2 * k * (frames - 1) + n - 1) / (2 * (n - 1))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_from_the_first_to_the_last() {
        assert_eq!(spread(48, 8), [0, 7, 13, 20, 27, 34, 40, 47]);
        assert_eq!(spread(3, 8), [0, 1, 2]);
        assert_eq!(spread(1, 8), [0]);
    }
}
