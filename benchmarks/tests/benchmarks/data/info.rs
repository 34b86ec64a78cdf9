//! What a file holds, as it is told.

use std::f64::consts::TAU;
use std::fs;

use physrep_benchmarks::Error;
use physrep_benchmarks::generate::generate;
use physrep_benchmarks::inspect::{DataPath, FileKind, Severity, find_data, inspect_file};
use physrep_benchmarks::systems::Boundary;
use physrep_benchmarks::well::{WellLayout, WellWriter};

use crate::support::{Waves, layout, packed, planned, says, suite, write};

#[test]
fn a_file_is_described_without_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    write(&path, Some(3));
    let report = inspect_file(&path, false, &()).unwrap();
    assert_eq!(report.bytes, fs::metadata(&path).unwrap().len());
    let contents = report.contents.unwrap();
    assert_eq!((contents.kind, contents.dataset.as_str(), contents.trajectories), (FileKind::Well, "active_matter", 2));
    assert_eq!((contents.frames, contents.times), (3, [0.0, 0.5]));
    let axis = &contents.axes[1];
    assert_eq!((axis.name.as_str(), axis.points, axis.boundary), ("y", 6, Boundary::Wall));
    assert_eq!(axis.ends, [0.0, f64::from(5.0_f32 / 6.0)]);
    let parameters: Vec<_> = contents.parameters.iter().map(|p| (p.name.as_str(), p.values[0] as f32)).collect();
    assert_eq!(parameters, [("zeta", 17.0), ("alpha", -0.1)]);
    let tensor = &contents.fields[3];
    assert_eq!((tensor.name.as_str(), &tensor.shape[..]), ("D", &[2, 3, 4, 6, 2, 2][..]));
    assert_eq!((tensor.dtype.as_str(), tensor.storage.as_str()), ("float32", "chunks 1x1x4x6x2x2, shuffle, gzip 3"));
    assert!(tensor.bytes > 0 && tensor.bytes < 2 * 3 * 4 * 6 * 4 * 4, "{} bytes compressed", tensor.bytes);
    assert!(contents.channels.is_empty() && contents.hashes.is_empty());
}

/// A wave has mean 0, deviation `a / sqrt 2` and range `-a..a`; between two frames, a quarter of a period apart, it changes by a
/// wave of `a sqrt 2`.
#[test]
fn statistics_are_those_of_the_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let layout = WellLayout { trajectories: 1, ..layout() };
    let mut writer = WellWriter::create(&path, layout.clone(), None).unwrap();
    for (i, field) in layout.fields.iter().enumerate() {
        let components = field.rank.components();
        let value = |at: usize| {
            let (frame, point) = (at / layout.frame_len(field), at % layout.frame_len(field) / components);
            let amplitude = (1 + i * 4 + at % components) as f64;
            let phase = TAU * ((point / 6) as f64 / 4.0 + frame as f64 / 4.0);
            (amplitude * (phase + TAU / 8.0).sin()) as f32
        };
        let values: Vec<f32> = (0..3 * layout.frame_len(field)).map(value).collect();
        writer.write(0, i, &values).unwrap();
    }
    writer.finish().unwrap();
    let channels = inspect_file(&path, true, &()).unwrap().contents.unwrap().channels;
    let names: Vec<_> = channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["zinc", "acid", "velocity_x", "velocity_y", "D_xx", "D_xy", "D_yx", "D_yy"]);
    for (channel, amplitude) in channels.iter().zip([1.0, 5.0, 9.0, 10.0, 13.0, 14.0, 15.0, 16.0_f64]) {
        // Four points a period, an eighth of it off: they are at plus and minus a / sqrt 2.
        let level = amplitude / 2f64.sqrt();
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5 * amplitude, "{found}, {expected}");
        let [low, high] = channel.range.unwrap();
        near(low.into(), -level);
        near(high.into(), level);
        near(channel.values.mean(), 0.0);
        near(channel.values.std(), level);
        near(channel.deltas.mean(), 0.0);
        near(channel.deltas.std(), amplitude);
    }
}

#[test]
fn a_packed_file_is_known_by_its_first_bytes() {
    let (_folder, packed) = packed();
    let contents = inspect_file(packed.path(), false, &()).unwrap().contents.unwrap();
    let FileKind::Packed { suite: name, splits, checksum } = contents.kind else { panic!("it is packed") };
    assert_eq!((name.as_str(), checksum), ("small-waves v1", packed.header().checksum.clone()));
    let counts: Vec<_> = splits.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert!(counts.starts_with(&[("train", 18), ("valid", 6), ("test", 12)]), "{counts:?}");
    let mut schmidt: Vec<f64> = planned(&suite()).iter().map(|trajectory| trajectory.case.parameters[1]).collect();
    schmidt.sort_by(f64::total_cmp);
    assert_eq!(contents.parameters[1].values, schmidt);
    assert_eq!(contents.fields[3].name, "velocity_y");
}

#[test]
fn a_path_is_a_file_a_data_set_or_several() {
    let folder = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();
    let set = folder.path().join("shear_flow");
    let one = find_data(&set).unwrap();
    assert!(matches!(&one[..], [DataPath::DataSet(set)] if set.files.len() == 4));
    assert_eq!(find_data(folder.path()).unwrap(), one);
    // The Well's own downloader puts `datasets` between.
    let well = tempfile::tempdir().unwrap();
    fs::create_dir(well.path().join("datasets")).unwrap();
    fs::rename(&set, well.path().join("datasets/shear_flow")).unwrap();
    assert!(matches!(&find_data(well.path()).unwrap()[..], [DataPath::DataSet(_)]));
    let train = well.path().join("datasets/shear_flow/data/train");
    let files = find_data(&train).unwrap();
    assert_eq!(files.len(), 2);
    assert!(matches!(&files[0], DataPath::File(path) if path.starts_with(&train)));
    says(find_data(folder.path()), &["there is no data", "data/train"]);
    says(find_data(&folder.path().join("nothing")), &["cannot read"]);
}

#[test]
fn inspection_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    write(&path, None);
    let stop = |done: usize, total: usize, _: &str| {
        assert!(done > 0 && total == 2 * 4 * 3);
        std::ops::ControlFlow::Break(())
    };
    assert!(matches!(inspect_file(&path, true, &stop), Err(Error::Stopped)));
}

#[test]
fn names_from_a_file_stay_on_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let name = format!("two\nlines \u{1b}[31m{}", "x".repeat(10_000));
    write(&path, None);
    let file = hdf5::File::open_rw(&path).unwrap();
    let group = file.group("t0_fields").unwrap();
    group.delete_attr("field_names").unwrap();
    let names: [hdf5::types::VarLenUnicode; 1] = [name.parse().unwrap()];
    group.new_attr_builder().with_data(&names).create("field_names").unwrap();
    drop(group);
    file.close().unwrap();
    let findings = inspect_file(&path, true, &()).unwrap().findings;
    assert!(findings.listed.iter().any(|f| f.severity == Severity::Error));
    for finding in &findings.listed {
        let line = finding.to_string();
        assert!(!line.contains(char::is_control) && line.len() < 1000, "{line:?}");
    }
}
