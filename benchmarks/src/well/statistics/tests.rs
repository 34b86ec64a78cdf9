//! Statistics of files that the test writes, against the definitions.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::systems::Boundary;
use crate::well::{WellAxis, WellLayout, WellWriter};

const GRID: [usize; 2] = [3, 4];
const FRAMES: usize = 5;

/// Mean, standard deviation and root mean square, the obvious way.
fn naive(numbers: &[f64]) -> [f64; 3] {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let square = numbers.iter().map(|x| x * x).sum::<f64>() / n;
    [mean, variance.sqrt(), square.sqrt()]
}

fn agree(moments: &Moments, numbers: &[f64]) {
    let found = [moments.mean(), moments.std(), moments.rms()];
    for (found, expected) in found.into_iter().zip(naive(numbers)) {
        assert!((found - expected).abs() < 1e-10 * expected.abs().max(1.0), "{found} {expected}");
    }
}

/// The message of an error, which has to have all of `parts` in it.
#[track_caller]
fn refused(result: Result<Vec<ChannelStats>>, parts: &[&str]) {
    let message = result.expect_err("this should be refused").to_string();
    assert!(!message.contains('\n'), "{message:?} has several lines");
    assert!(parts.iter().all(|part| message.contains(part)), "{message:?} lacks one of {parts:?}");
}

/// Writes `count` files of two trajectories with one scalar and one vector field.
fn write(folder: &Path, count: usize) -> Vec<PathBuf> {
    let axis = |name: &str, n: usize| WellAxis {
        name: name.into(),
        boundary: Boundary::Periodic,
        coordinates: (0..n).map(|j| j as f32).collect(),
    };
    let layout = WellLayout {
        dataset: "shear_flow".into(),
        trajectories: 2,
        times: (0..FRAMES).map(|j| j as f64).collect(),
        axes: [axis("x", GRID[0]), axis("y", GRID[1])],
        fields: vec![Field::new("tracer", Rank::Scalar), Field::new("velocity", Rank::Vector)],
        scalars: Vec::new(),
    };
    let file = |number: usize| {
        let path = folder.join(format!("{number}.hdf5"));
        let mut writer = WellWriter::create(&path, layout.clone(), None).unwrap();
        for trajectory in 0..layout.trajectories {
            for (index, field) in layout.fields.iter().enumerate() {
                let value = |i: usize| ((7 * i * i + 3 * trajectory + 11 * number + 5 * index) % 23) as f32 - 40.0;
                let values: Vec<f32> = (0..FRAMES * layout.frame_len(field)).map(value).collect();
                writer.write(trajectory, index, &values).unwrap();
            }
        }
        writer.finish().unwrap();
        path
    };
    (0..count).map(file).collect()
}

#[test]
fn statistics_are_those_of_all_trajectories_pooled() {
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path(), 3);
    let computed = compute_stats(files.iter().map(PathBuf::as_path)).unwrap();
    assert_eq!(computed.len(), 2);
    let points = GRID[0] * GRID[1];
    for found in &computed {
        let components = found.field.rank.components();
        for component in 0..components {
            let (mut values, mut deltas) = (Vec::new(), Vec::new());
            for path in &files {
                let file = WellFile::open(path).unwrap();
                for trajectory in 0..2 {
                    let read = file.read(&found.field.name, trajectory..trajectory + 1, 0..FRAMES).unwrap();
                    let one: Vec<f64> =
                        read.iter().skip(component).step_by(components).map(|&v| f64::from(v)).collect();
                    deltas.extend((points..one.len()).map(|i| one[i] - one[i - points]));
                    values.extend(one);
                }
            }
            agree(&found.values[component], &values);
            agree(&found.deltas[component], &deltas);
        }
    }
    // stats.yaml holds the same, to five digits.
    let path = folder.path().join("stats.yaml");
    fs::write(&path, stats_yaml(&computed)).unwrap();
    let fields: Vec<Field> = computed.iter().map(|found| found.field.clone()).collect();
    let read = read_stats(&path, &fields).unwrap();
    let computed: Vec<&Moments> = computed.iter().flat_map(|found| &found.values).collect();
    assert_eq!(read.len(), computed.len());
    for (read, computed) in read.iter().zip(computed) {
        assert!((read.mean - computed.mean()).abs() <= 1e-4 * computed.mean().abs());
        assert!((read.std - computed.std()).abs() <= 1e-4 * computed.std());
    }
}

#[test]
fn moments_of_parts_are_those_of_the_whole_even_far_from_zero() {
    let numbers: Vec<f64> = (0..1000).map(|i| 1e8 + f64::from(i % 7)).collect();
    let parts = numbers.chunks(77).map(|c| Moments::of(c.iter().copied()));
    let merged = parts.fold(Moments::default(), Moments::merge);
    let expected = naive(&numbers)[1];
    assert!((merged.std() - expected).abs() < 1e-6 * expected);
    assert_eq!(Moments::default().std(), 0.0);
}

#[test]
fn yaml_has_all_six_keys_in_a_notation_that_pyyaml_takes_for_numbers() {
    let moments = |numbers: &[f64]| Moments::of(numbers.iter().copied());
    let far = moments(&[1e12, 3e12]);
    let near = moments(&[-0.002, 0.001]);
    let field = |name: &str, rank: Rank, of: Moments| FieldStats {
        field: Field::new(name, rank),
        values: vec![of; rank.components()],
        deltas: vec![near; rank.components()],
    };
    let yaml =
        stats_yaml(&[field("c", Rank::Scalar, far), field("u", Rank::Vector, near), field("D", Rank::Tensor, near)]);
    let keys: Vec<_> = yaml.lines().filter(|l| !l.starts_with(' ')).collect();
    assert_eq!(keys, ["mean:", "std:", "rms:", "mean_delta:", "std_delta:", "rms_delta:"]);
    assert!(yaml.starts_with(
        "mean:\n  c: 2.0000E+12\n  u: [-5.0000E-04, -5.0000E-04]\n  \
         D: [[-5.0000E-04, -5.0000E-04], [-5.0000E-04, -5.0000E-04]]\nstd:\n  c: 1.0000E+12\n"
    ));
}

#[test]
fn published_statistics_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.yaml");
    fs::write(&path, "mean:\n  D:\n  - - 0.5\n    - -6.0e-3\n  - - -6.0e-3\n    - 0.25\n  c: 1.0\nstd:\n  D:\n  - - 1\n    - 2\n  - - 3\n    - 4\n  c: 3.0e-3\n")
        .unwrap();
    let fields = [Field::new("c", Rank::Scalar), Field::new("D", Rank::Tensor)];
    let read = read_stats(&path, &fields).unwrap();
    let expected = [(1.0, 3e-3), (0.5, 1.0), (-6e-3, 2.0), (-6e-3, 3.0), (0.25, 4.0)];
    assert_eq!(read, expected.map(|(mean, std)| ChannelStats { mean, std }));

    refused(read_stats(&path, &[Field::new("u", Rank::Vector)]), &["stats.yaml", "mean/u", "2 finite"]);
    fs::write(&path, "mean: 3").unwrap();
    refused(read_stats(&path, &fields), &["stats.yaml", "expected"]);
    fs::write(&path, "mean: {c: .nan}\nstd: {c: 1.0}").unwrap();
    refused(read_stats(&path, &fields[..1]), &["mean/c", "NaN"]);
}

#[test]
fn a_constant_channel_is_not_divided_by_its_own_noise() {
    let stats = ChannelStats { mean: 1.0, std: 1e-9 };
    assert_eq!(stats.normalise(1.0001), (1.0001_f32 - 1.0) / 1e-4);
}
