//! A field on its grid turned into pixels at their true positions.

use physrep_benchmarks::systems::{Boundary, DomainAxis};

/// Where the pixels of one row or column take their values from.
struct Stencils {
    /// For each sample, four grid points and their weights.
    samples: Vec<[(usize, f64); 4]>,
    /// Samples of one pixel.
    per_pixel: usize,
}

impl Stencils {
    /// Samples the axis, of `n` points, at `pixels` pixels: interpolates where there are more pixels than points, averages
    /// where there are fewer.
    fn new(axis: &DomainAxis, n: usize, pixels: usize) -> Self {
        let coordinates = axis.coordinates(n);
        let spacing = coordinates.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        let pixel = axis.length / pixels as f64;
        let per_pixel = if spacing.is_finite() { (pixel / spacing).ceil().clamp(1.0, 16.0) as usize } else { 1 };
        let samples = (0..pixels * per_pixel).map(|s| {
            let position = axis.start + axis.length * (s as f64 + 0.5) / (pixels * per_pixel) as f64;
            stencil(axis, &coordinates, position)
        });
        Self { samples: samples.collect(), per_pixel }
    }

    /// The values at all pixels of a line whose value at grid point `j` is `line(j)`.
    fn apply(&self, line: impl Fn(usize) -> f64) -> Vec<f64> {
        let values: Vec<f64> =
            self.samples.iter().map(|points| points.iter().map(|&(j, weight)| weight * line(j)).sum()).collect();
        values.chunks(self.per_pixel).map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64).collect()
    }
}

/// The cubic through the four grid points around `position`, as weights; exact for cubics on any spacing.
fn stencil(axis: &DomainAxis, coordinates: &[f64], position: f64) -> [(usize, f64); 4] {
    let n = coordinates.len() as isize;
    let periodic = axis.boundary == Boundary::Periodic;
    // Beyond the last points before a wall the value stays: the wall is less than one spacing away.
    let position = if periodic { position } else { position.clamp(coordinates[0], coordinates[n as usize - 1]) };
    let after = coordinates.partition_point(|&x| x <= position) as isize;
    let first = if periodic || n < 4 { after - 2 } else { (after - 2).clamp(0, n - 4) };
    let node = |k: isize| {
        let j = first + k;
        match periodic {
            true => {
                (j.rem_euclid(n) as usize, coordinates[j.rem_euclid(n) as usize] + axis.length * j.div_euclid(n) as f64)
            }
            // Fewer than four points: positions stay distinct, values repeat at the ends.
            false => {
                let inside = j.clamp(0, n - 1) as usize;
                (inside, coordinates[inside] + axis.length * (j - inside as isize) as f64)
            }
        }
    };
    let nodes: [(usize, f64); 4] = [0, 1, 2, 3].map(node);
    std::array::from_fn(|k| {
        let others = (0..4).filter(|&m| m != k);
        let weight = others.map(|m| (position - nodes[m].1) / (nodes[k].1 - nodes[m].1)).product();
        (nodes[k].0, weight)
    })
}

/// Samples fields of one grid for pictures of one size.
pub(crate) struct Raster {
    across: Stencils,
    up: Stencils,
    grid: [usize; 2],
    size: [usize; 2],
}

impl Raster {
    /// For fields on the grid `[nx, ny]` of these axes, as pictures of `[width, height]` pixels.
    pub fn new(axes: &[DomainAxis; 2], grid: [usize; 2], size: [usize; 2]) -> Self {
        let [across, up] = [0, 1].map(|a| Stencils::new(&axes[a], grid[a], size[a]));
        Self { across, up, grid, size }
    }

    /// The values `(nx, ny)` at all pixels, row by row from the top; `y` points up.
    pub fn sample(&self, values: &[f32]) -> Vec<f64> {
        let ([_, ny], [width, height]) = (self.grid, self.size);
        let columns: Vec<Vec<f64>> = (0..ny).map(|j| self.across.apply(|i| f64::from(values[i * ny + j]))).collect();
        let mut pixels = vec![0.0; width * height];
        for i in 0..width {
            for (row, value) in self.up.apply(|j| columns[j][i]).into_iter().rev().enumerate() {
                pixels[row * width + i] = value;
            }
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use physrep_benchmarks::systems::Points;

    use super::*;

    fn axis(boundary: Boundary, points: Points) -> DomainAxis {
        DomainAxis { name: "x".into(), start: -1.0, length: 2.0, boundary, points }
    }

    #[test]
    fn pixels_lie_at_their_true_positions_with_y_upwards() {
        let axes = [axis(Boundary::Periodic, Points::Uniform), axis(Boundary::Wall, Points::ChebyshevGauss)];
        for ([nx, ny], [width, height]) in [([16, 12], [90, 60]), ([64, 48], [40, 30])] {
            let y = axes[1].coordinates(ny);
            // Linear in y, so that averaging within a pixel changes nothing.
            let values: Vec<f32> = (0..nx * ny).map(|p| y[p % ny] as f32).collect();
            let pixels = Raster::new(&axes, [nx, ny], [width, height]).sample(&values);
            // The outermost pixels may reach beyond the last points.
            for row in 2..height - 2 {
                let expected = 1.0 - 2.0 * (row as f64 + 0.5) / height as f64;
                for column in 0..width {
                    let found = pixels[row * width + column];
                    assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
                }
            }
        }
    }

    #[test]
    fn a_wave_is_followed_through_the_seam() {
        let axes = [Points::Uniform, Points::Uniform].map(|points| axis(Boundary::Periodic, points));
        let [nx, ny] = [32, 4];
        let x = axes[0].coordinates(nx);
        let values: Vec<f32> = (0..nx * ny).map(|p| (TAU * x[p / ny] / 2.0).sin() as f32).collect();
        let pixels = Raster::new(&axes, [nx, ny], [200, 3]).sample(&values);
        for (column, found) in pixels[..200].iter().enumerate() {
            let position = -1.0 + 2.0 * (column as f64 + 0.5) / 200.0;
            assert!((found - (TAU * position / 2.0).sin()).abs() < 1e-4, "column {column}");
        }
    }

    #[test]
    fn more_points_than_pixels_are_averaged() {
        let axes = [Points::Uniform, Points::Uniform].map(|points| axis(Boundary::Periodic, points));
        let values: Vec<f32> = (0..256 * 4).map(|p| if (p / 4) % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let pixels = Raster::new(&axes, [256, 4], [32, 4]).sample(&values);
        assert!(pixels.iter().all(|value| value.abs() < 0.2), "a checkerboard is grey from afar");
    }
}
