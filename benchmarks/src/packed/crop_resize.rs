//! What methods see of a frame: a crop of the grid, resized.

use crate::suite::SystemSuite;
use crate::systems::{Boundary, DomainAxis};

/// Maps frames of the stored grid to the frames that methods see.
///
/// Resizing is bilinear between the centres of cells and ends at the outermost ones, without smoothing first: output
/// point `i` of `m` lies at `(i + 1/2) n / m - 1/2` of the `n` input points, and at the first or last of them where
/// that is beyond. This is what arXiv:2603.13227 does (PyTorch's `interpolate`, `align_corners=False`).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CropResize {
    stored: [usize; 2],
    axes: [Resampling; 2],
}

/// One axis: every output point is a mean of two input points.
#[derive(Clone, Debug, PartialEq)]
struct Resampling {
    whole: bool,
    points: Vec<Between>,
}

/// `(1 - weight) * input[first] + weight * input[second]`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Between {
    first: usize,
    second: usize,
    weight: f32,
}

impl CropResize {
    /// The view of a suite's section.
    pub fn of(section: &SystemSuite) -> Self {
        let axis = |axis: usize| {
            let stored = section.store[axis];
            let [first, end] = section.crop.map_or([0, stored], |crop| crop[axis]);
            let count = section.resize.map_or(end - first, |grid| grid[axis]);
            Resampling { whole: (first, end) == (0, stored), points: resample(first, end, count) }
        };
        Self { stored: section.store, axes: [axis(0), axis(1)] }
    }

    /// Positions of those points along one axis of the domain.
    pub fn coordinates(&self, index: usize, axis: &DomainAxis) -> Vec<f64> {
        let stored = axis.coordinates(self.stored[index]);
        let place = |p: &Between| {
            let weight = f64::from(p.weight);
            (1.0 - weight) * stored[p.first] + weight * stored[p.second]
        };
        self.axes[index].points.iter().map(place).collect()
    }

    /// What holds at the ends of one axis: an axis that was cropped is open.
    pub fn boundary(&self, index: usize, axis: &DomainAxis) -> Boundary {
        if self.axes[index].whole { axis.boundary } else { Boundary::Open }
    }

    /// Appends the view of one stored frame, `(nx, ny)` values of one channel, to `out`.
    pub fn push(&self, frame: &[f32], out: &mut Vec<f32>) {
        let ny = self.stored[1];
        let [rows, columns] = &self.axes;
        let mix = |a: f32, b: f32, weight: f32| if weight == 0.0 { a } else { a + weight * (b - a) };
        for x in &rows.points {
            let (upper, lower) = (&frame[x.first * ny..][..ny], &frame[x.second * ny..][..ny]);
            out.extend(columns.points.iter().map(|y| {
                let along = |row: &[f32]| mix(row[y.first], row[y.second], y.weight);
                mix(along(upper), along(lower), x.weight)
            }));
        }
    }
}

/// `count` points between the inputs `first..end`.
fn resample(first: usize, end: usize, count: usize) -> Vec<Between> {
    let n = end - first;
    let point = |i: usize| {
        let place = ((i as f64 + 0.5) * n as f64 / count as f64 - 0.5).clamp(0.0, (n - 1) as f64);
        let below = place.floor();
        let index = first + below as usize;
        Between { first: index, second: (index + 1).min(end - 1), weight: (place - below) as f32 }
    };
    (0..count).map(point).collect()
}

#[cfg(test)]
mod tests;
