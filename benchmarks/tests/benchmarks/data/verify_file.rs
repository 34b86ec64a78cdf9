//! All defects of a file are found, and named by dataset and index.

use std::fs;
use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{File, H5Type, Location};
use physrep_benchmarks::inspect::{Findings, Report, Severity, inspect_file};
use physrep_benchmarks::well::{WellLayout, WellWriter};

use crate::support::{inspected, layout, lines, packed, value, write, write_as};

/// Inspects a valid file after `damage` has changed it: exactly the errors and warnings that start so must be found.
#[track_caller]
fn damaged(damage: impl FnOnce(&File), errors: &[&str], warnings: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.hdf5");
    write(&path, None);
    let file = File::open_rw(&path).unwrap();
    damage(&file);
    file.close().unwrap();
    let findings = inspected(&path).findings;
    for (severity, expected) in [(Severity::Error, errors), (Severity::Warning, warnings)] {
        let found = lines(&findings, severity);
        assert_eq!(found.len(), expected.len(), "{expected:?}\n{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found:?} does not start with {expected:?}");
        }
    }
}

fn replace<T: H5Type>(location: &Location, name: &str, value: T) {
    location.delete_attr(name).unwrap();
    location.new_attr::<T>().create(name).unwrap().write_scalar(&value).unwrap();
}

#[test]
fn a_valid_file_has_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    for gzip in [None, Some(4)] {
        let path = folder.path().join(format!("good-{gzip:?}.hdf5"));
        write(&path, gzip);
        let report = inspected(&path);
        assert_eq!(report.findings, Findings::default());
        assert_eq!(report.contents.unwrap().hashes.len(), 2);
    }
}

#[test]
fn all_defects_are_found_at_once() {
    damaged(
        |f| {
            f.delete_attr("grid_type").unwrap();
            f.unlink("scalars/zeta").unwrap();
            f.unlink("t1_fields/velocity").unwrap();
            f.unlink("t0_fields/acid").unwrap();
            let t0 = f.group("t0_fields").unwrap();
            t0.new_dataset::<f32>().shape([2, 3, 4, 7]).create("acid").unwrap();
            f.dataset("t0_fields/zinc").unwrap().write_slice(&[f32::NAN; 2], (1, 2, 3, 4..6)).unwrap();
        },
        &[
            "scalars/zeta: expected a dataset, found nothing",
            "t0_fields/acid: expected shape [2, 3, 4, 6]",
            "t1_fields/velocity: expected a dataset, found nothing",
            "@grid_type: expected an attribute, found nothing",
            "t0_fields/acid @sample_varying: expected an attribute",
            "t0_fields/acid @time_varying: expected an attribute",
            "t0_fields/acid @dim_varying: expected an attribute",
            "t0_fields/zinc[1, 2, 3, 4]: expected finite values, found NaN (and 1 more in this frame)",
        ],
        // No scalar can be read where one is missing.
        &[
            "scalars @field_names: expected zeta, found it among @simulation_parameters only",
            "scalars @field_names: expected alpha, found it among @simulation_parameters only",
            "t0_fields/acid: expected values that were written, found none; they read as the fill value",
        ],
    );
}

#[test]
fn flags_masks_and_coordinates_are_checked() {
    let field = "t1_fields/velocity";
    damaged(
        |f| replace(&f.dataset(field).unwrap(), "time_varying", false),
        &["t1_fields/velocity @time_varying: expected true, found [false]"],
        &[],
    );
    // What h5py takes for a number and not for a bool.
    damaged(
        |f| replace(&f.dataset(field).unwrap(), "sample_varying", 1_u8),
        &[],
        &["t1_fields/velocity @sample_varying: expected bool, found uint8"],
    );
    damaged(
        |f| f.dataset("dimensions/time").unwrap().write_slice(&[0.25], 2..3).unwrap(),
        &["dimensions/time[2]: expected times that rise, found 0.25 after 0.25"],
        &[],
    );
    damaged(
        |f| f.dataset("dimensions/time").unwrap().write_slice(&[0.75], 2..3).unwrap(),
        &[],
        &["dimensions/time[2]: expected a step of 0.25, found one of 0.5"],
    );
    damaged(
        |f| f.dataset("boundary_conditions/x_periodic/mask").unwrap().write_slice(&[true], 1..2).unwrap(),
        &[],
        &["boundary_conditions/x_periodic/mask: expected true at both ends"],
    );
    damaged(
        |f| f.unlink("boundary_conditions/y_wall").unwrap(),
        &[],
        &["boundary_conditions: expected a condition for axis y, found none"],
    );
    damaged(
        |f| {
            let axis: VarLenUnicode = "z".parse().unwrap();
            let condition = f.group("boundary_conditions/y_wall").unwrap();
            condition.delete_attr("associated_dims").unwrap();
            condition.new_attr_builder().with_data(&[axis]).create("associated_dims").unwrap();
        },
        &["boundary_conditions/y_wall @associated_dims: expected x or y, found z"],
        &["boundary_conditions: expected a condition for axis y"],
    );
    damaged(
        |f| {
            let t2 = f.group("t2_fields").unwrap();
            t2.new_dataset::<f32>().shape([3]).create("unlisted").unwrap();
        },
        &[],
        &["t2_fields @field_names: expected unlisted, found nothing of this name"],
    );
}

#[test]
fn scalars_have_one_value_or_one_for_each_trajectory_and_say_which() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("varied.hdf5");
    let mut varied = layout();
    varied.scalars[1].values = vec![-0.5, -1.25];
    write_as(&path, varied, None);
    let report = inspected(&path);
    assert_eq!(report.findings, Findings::default());
    assert_eq!(report.contents.unwrap().parameters[1].values, [-1.25, -0.5]);
    let file = File::open_rw(&path).unwrap();
    replace(&file.dataset("scalars/alpha").unwrap(), "sample_varying", false);
    file.close().unwrap();
    let found = lines(&inspected(&path).findings, Severity::Error);
    assert_eq!(found, ["scalars/alpha @sample_varying: expected true, found [false]"]);

    damaged(
        |f| replace(&f.dataset("scalars/alpha").unwrap(), "sample_varying", true),
        &["scalars/alpha @sample_varying: expected false, found [true]"],
        &[],
    );
    damaged(
        |f| {
            f.unlink("scalars/alpha").unwrap();
            let scalars = f.group("scalars").unwrap();
            let alpha = scalars.new_dataset_builder().with_data(&[1.0_f32, 2.0, 3.0]).create("alpha").unwrap();
            alpha.new_attr::<bool>().create("sample_varying").unwrap().write_scalar(&true).unwrap();
            alpha.new_attr::<bool>().create("time_varying").unwrap().write_scalar(&false).unwrap();
        },
        &["scalars/alpha: expected one value, or 2, one for each trajectory, found 3"],
        &[],
    );
}

#[test]
fn values_that_are_not_finite_are_named_by_index() {
    damaged(
        |f| {
            let velocity = f.dataset("t1_fields/velocity").unwrap();
            velocity.write_slice(&[f32::INFINITY], (0, 1, 2, 3, 1..2)).unwrap();
            f.dataset("t2_fields/D").unwrap().write_slice(&[f32::NAN], (1, 2, 0, 5, 1..2, 0)).unwrap();
        },
        &[
            "t1_fields/velocity[0, 1, 2, 3, 1]: expected finite values, found inf",
            "t2_fields/D[1, 2, 0, 5, 2]: expected finite values, found NaN",
        ],
        &[],
    );
}

#[test]
fn findings_are_counted_beyond_those_that_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.hdf5");
    let layout = WellLayout { times: (0..30).map(f64::from).collect(), trajectories: 1, ..layout() };
    let mut writer = WellWriter::create(&path, layout.clone(), None).unwrap();
    for (i, field) in layout.fields.iter().enumerate() {
        writer.write(0, i, &vec![f32::NAN; 30 * layout.frame_len(field)]).unwrap();
    }
    writer.finish().unwrap();
    let findings = inspected(&path).findings;
    assert_eq!((findings.listed.len(), findings.errors), (20, 30 * (1 + 1 + 2 + 4)));
    assert_eq!(findings.unlisted(), 240 - 20);
    assert_eq!(
        findings.listed[0].to_string(),
        "t0_fields/zinc[0, 0, 0, 0]: expected finite values, found NaN (and 23 more in this frame)"
    );
}

/// Writes a file of the test's layout in which `change` has changed the values of field `zinc`, one slice per frame.
fn zinc(path: &Path, change: impl Fn(usize, usize, &mut [f32])) -> Report {
    let layout = layout();
    let mut writer = WellWriter::create(path, layout.clone(), None).unwrap();
    for trajectory in 0..2 {
        for (i, field) in layout.fields.iter().enumerate() {
            let len = layout.frame_len(field);
            let mut values: Vec<f32> = (0..3 * len).map(|j| value(trajectory, i, j)).collect();
            if i == 0 {
                values.chunks_exact_mut(len).enumerate().for_each(|(frame, values)| change(trajectory, frame, values));
            }
            writer.write(trajectory, i, &values).unwrap();
        }
    }
    writer.finish().unwrap();
    inspected(path)
}

#[test]
fn a_frame_without_variation_is_an_error_where_others_vary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let constant = |which: &dyn Fn(usize, usize) -> bool| {
        zinc(&path, |trajectory, frame, values| {
            if which(trajectory, frame) {
                values.fill(frame as f32);
            }
        })
    };
    // A fluid may begin at rest.
    assert_eq!(constant(&|_, frame| frame == 0).findings, Findings::default());
    let found = constant(&|trajectory, frame| (trajectory, frame) == (1, 2));
    let expected = ["t0_fields/zinc[1, 2]: expected zinc to vary in space, found the same value everywhere"];
    assert_eq!(lines(&found.findings, Severity::Error), expected);
    let found = constant(&|trajectory, frame| trajectory == 1 && frame > 0);
    assert!(found.findings.listed[0].place == "t0_fields/zinc[1, 1..3]", "{found:?}");
    let found = constant(&|trajectory, _| trajectory == 0);
    let line = found.findings.listed[0].to_string();
    assert!(line.starts_with("t0_fields/zinc[0]: ") && line.ends_with("in every frame"), "{line}");

    // A field that never varies is so by nature; whoever knows the other files says more.
    let report = constant(&|_, _| true);
    assert_eq!(report.findings, Findings::default());
    let constant: Vec<_> = report.contents.unwrap().channels.iter().map(|c| c.constant).collect();
    assert_eq!(constant, [true, false, false, false, false, false, false, false]);
}

#[test]
fn a_trajectory_that_occurs_twice_in_a_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let layout = WellLayout { trajectories: 3, ..layout() };
    let mut writer = WellWriter::create(&path, layout.clone(), None).unwrap();
    for (trajectory, values_of) in [0, 1, 0].into_iter().enumerate() {
        for (i, field) in layout.fields.iter().enumerate() {
            let values: Vec<f32> = (0..3 * layout.frame_len(field)).map(|j| value(values_of, i, j)).collect();
            writer.write(trajectory, i, &values).unwrap();
        }
    }
    writer.finish().unwrap();
    let found = lines(&inspected(&path).findings, Severity::Error);
    assert_eq!(found, ["trajectory 2: expected a trajectory that occurs once, found the values of trajectory 0"]);
}

#[test]
fn packed_files_are_checked_against_their_checksum() {
    let (_folder, packed) = packed();
    let path = packed.path().to_owned();
    drop(packed);
    let report = inspected(&path);
    assert_eq!(report.findings, Findings::default());
    let contents = report.contents.unwrap();
    assert_eq!((contents.trajectories, contents.hashes.len(), contents.channels.len()), (36, 36, 4));

    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let found = lines(&inspected(&path).findings, Severity::Error);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("trajectory 35: damaged or changed"), "{found:#?}");
    assert_eq!(found[1], "channel 3 (velocity_y)[35, 8, 7, 11]: expected finite values, found NaN");

    // Without values only the header is looked at.
    assert_eq!(inspect_file(&path, false, &()).unwrap().findings, Findings::default());
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let found = lines(&inspect_file(&path, false, &()).unwrap().findings, Severity::Error);
    assert!(found.len() == 1 && found[0].starts_with("size: expected"), "{found:#?}");
}
