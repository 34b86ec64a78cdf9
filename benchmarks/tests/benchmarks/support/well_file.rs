//! A small file of The Well.

use std::path::Path;

use physrep_benchmarks::systems::{Boundary, Field, Rank};
use physrep_benchmarks::well::{WellAxis, WellLayout, WellScalar, WellWriter};

/// A layout with every rank, a wall, and two trajectories of three frames on a grid of 4 by 6.
pub fn layout() -> WellLayout {
    let axis = |name: &str, n: usize, boundary| WellAxis {
        name: name.into(),
        boundary,
        coordinates: (0..n).map(|j| j as f32 / n as f32).collect(),
    };
    let scalar = |name: &str, value| WellScalar { name: name.into(), values: vec![value] };
    WellLayout {
        dataset: "active_matter".into(),
        trajectories: 2,
        times: vec![0.0, 0.25, 0.5],
        axes: [axis("x", 4, Boundary::Periodic), axis("y", 6, Boundary::Wall)],
        fields: vec![
            Field::new("zinc", Rank::Scalar),
            Field::new("acid", Rank::Scalar),
            Field::new("velocity", Rank::Vector),
            Field::new("D", Rank::Tensor),
        ],
        scalars: vec![scalar("zeta", 17.0), scalar("alpha", -0.1)],
    }
}

/// The value at a flat index of a field of one trajectory.
pub fn value(trajectory: usize, field: usize, index: usize) -> f32 {
    (trajectory * 100_000 + field * 10_000 + index) as f32
}

/// Writes a file with that layout and those values.
pub fn write(path: &Path, gzip: Option<u8>) {
    write_as(path, layout(), gzip);
}

/// Writes a file with those values and a layout that differs from that one in scalars.
pub fn write_as(path: &Path, layout: WellLayout, gzip: Option<u8>) {
    let mut writer = WellWriter::create(path, layout.clone(), gzip).unwrap();
    for trajectory in 0..2 {
        for (i, field) in layout.fields.iter().enumerate() {
            let values: Vec<f32> = (0..3 * layout.frame_len(field)).map(|j| value(trajectory, i, j)).collect();
            writer.write(trajectory, i, &values).unwrap();
        }
    }
    assert!(!path.exists(), "an unfinished file must not have the name of a finished one");
    writer.finish().unwrap();
}
