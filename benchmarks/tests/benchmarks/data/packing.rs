//! The packed file.

use std::fs;
use std::ops::ControlFlow;

use hdf5::types::VarLenUnicode;
use physrep_benchmarks::Error;
use physrep_benchmarks::Split;
use physrep_benchmarks::generate::generate;
use physrep_benchmarks::packed::{Packed, Window, pack};
use physrep_benchmarks::suite::Suite;
use physrep_benchmarks::systems::System;
use physrep_benchmarks::well::split_files;

use crate::support::{Waves, pack_into, packed, planned, published, says, suite, suite_with};

#[test]
fn clips_are_the_normalised_solution() {
    let (_folder, packed) = packed();
    let (suite, system) = (suite(), Waves::default());
    let cases = planned(&suite);
    assert_eq!(packed.header().trajectories.len(), cases.len());
    let [xs, ys] = [0, 1].map(|axis| system.axes()[axis].coordinates([8, 12][axis]));
    let frames = 3;
    let mut clip = vec![f32::NAN; packed.clip_len(frames)];
    for (trajectory, start) in [(0, 0), (5, 6), (17, 1), (18, 2), (35, 4)] {
        packed.clip(Window { trajectory, start }, frames, &mut clip).unwrap();
        let mut values = clip.iter();
        for (c, channel) in packed.header().channels.iter().enumerate() {
            for t in start..start + frames {
                for &x in &xs {
                    for &y in &ys {
                        let raw = Waves::value(c, &cases[trajectory].case, [x, y], t as f64 * 0.1);
                        let std = channel.stats.std.max(1e-4) as f32;
                        assert_eq!(*values.next().unwrap(), (raw - channel.stats.mean as f32) / std);
                    }
                }
            }
        }
    }
}

#[test]
fn the_header_says_what_physics_needs() {
    let (_folder, packed) = packed();
    let header = packed.header();
    let names: Vec<_> = header.channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["tracer", "pressure", "velocity_x", "velocity_y"]);
    assert_eq!(header.channels[3].component, 1);
    assert_eq!((header.frames, header.dt, header.grid()), (9, 0.1, [8, 12]));
    for (axis, expected) in header.axes.iter().zip(Waves::default().axes()) {
        assert_eq!((&axis.name, axis.boundary), (&expected.name, expected.boundary));
        assert_eq!(axis.coordinates, expected.coordinates(axis.coordinates.len()));
    }
    assert_eq!(header.splits[Split::Train], 0..18);
    assert_eq!(header.splits[Split::Valid], 18..24);
    assert_eq!(header.splits[Split::Test], 24..36);
    packed.verify().unwrap();
}

#[test]
fn training_values_have_mean_zero_and_deviation_one() {
    let (_folder, packed) = packed();
    let mut clip = vec![0.0; packed.clip_len(9)];
    let mut sums = [[0.0_f64; 2]; 4];
    for trajectory in packed.header().splits[Split::Train].clone() {
        packed.clip(Window { trajectory, start: 0 }, 9, &mut clip).unwrap();
        for (sum, channel) in sums.iter_mut().zip(clip.chunks(9 * 96)) {
            for &v in channel {
                sum[0] += f64::from(v);
                sum[1] += f64::from(v).powi(2);
            }
        }
    }
    let n = (18 * 9 * 96) as f64;
    for [sum, squares] in sums {
        // As good as the five digits of stats.yaml.
        assert!((sum / n).abs() < 2e-3 && (squares / n - 1.0).abs() < 2e-3, "{sum} {squares}");
    }
}

#[test]
fn labels_are_those_of_the_trajectorys_parameters() {
    let (_folder, packed) = packed();
    let suite = suite();
    let scalings = suite.systems[0].scalings();
    let cases = planned(&suite);
    for (trajectory, planned) in cases.iter().enumerate() {
        assert_eq!(packed.parameters(trajectory), planned.case.parameters);
        let labels: Vec<f64> = scalings.iter().zip(&planned.case.parameters).map(|(s, &p)| s.label(p)).collect();
        assert_eq!(packed.labels(trajectory), labels);
    }
}

#[test]
fn packing_again_changes_nothing_and_packing_under_another_suite_does() {
    let (folder, packed) = packed();
    let path = packed.path().to_path_buf();
    let bytes = fs::read(&path).unwrap();
    let fail = |_: usize, _: usize, _: &str| ControlFlow::Break(());
    let again = pack(&suite(), &Waves::default(), folder.path(), &path, &fail).unwrap();
    assert_eq!(again.header(), packed.header());

    let scaled = suite_with("[0.1, 2]", "[0.1, 2], mean = 0, std = 1").unwrap();
    let stopped = pack(&scaled, &Waves::default(), folder.path(), &path, &fail);
    assert!(matches!(stopped, Err(Error::Stopped)));
    assert_eq!(fs::read(&path).unwrap(), bytes, "a packing that did not end leaves what was there");
    let scaled = pack(&scaled, &Waves::default(), folder.path(), &path, &()).unwrap();
    assert_eq!(scaled.labels(0)[1], scaled.parameters(0)[1]);
    assert_ne!(fs::read(&path).unwrap(), bytes);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the data and the packed file");

    fs::remove_file(&path).unwrap();
    drop(pack_into(folder.path()).unwrap());
    assert_eq!(fs::read(&path).unwrap(), bytes, "the same data under the same suite gives the same bytes");
}

#[test]
fn data_that_is_not_the_suites_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("waves.pack");
    says(pack_into(folder.path()), &["shear_flow", "generate the data first"]);
    generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();

    let other = suite_with("dt = 0.1", "dt = 0.2").unwrap();
    says(pack(&other, &Waves::default(), folder.path(), &out, &()), &["dt 0.1 instead of 0.2"]);

    let system = folder.path().join("shear_flow");
    let file = "shear_flow_train_0000.hdf5";
    let train = system.join("data/train");
    fs::copy(train.join(file), train.join("another.hdf5")).unwrap();
    says(pack_into(folder.path()), &["another.hdf5", "does not belong"]);
    fs::remove_file(train.join("another.hdf5")).unwrap();
    fs::remove_file(train.join(file)).unwrap();
    says(pack_into(folder.path()), &[file, "missing"]);
    assert_eq!(generate(&suite(), &Waves::default(), folder.path(), 1, &()).unwrap().simulated, 16);
    pack_into(folder.path()).unwrap();
}

/// What came of a generation somewhere else may have no record of it; the files are then all there is to go by.
#[test]
fn files_without_a_record_of_their_generation_are_taken_as_data_of_others() {
    let (folder, before) = packed();
    let generated = before.header().source.clone();
    drop(before);
    fs::remove_file(folder.path().join("shear_flow/generated.json")).unwrap();
    let pack = || pack_into(folder.path()).unwrap().header().clone();
    let first = pack();
    assert_ne!(first.source, generated, "what knows its settings does not take it for its own");
    assert_eq!(pack(), first);

    // Values that change in place are seen.
    let file = folder.path().join("shear_flow/data/train/shear_flow_train_0000.hdf5");
    let file = hdf5::File::open_rw(file).unwrap();
    let field = file.dataset("t0_fields/tracer").unwrap();
    let values: Vec<f32> = field.read_raw().unwrap();
    field.write_raw(&values.iter().map(|value| 3.0 * value + 1.0).collect::<Vec<_>>()).unwrap();
    file.close().unwrap();
    let second = pack();
    assert!(second.source != first.source && second.checksum != first.checksum);
}

#[test]
fn a_generated_file_that_is_not_as_planned_is_refused() {
    let (folder, _) = packed();
    let train = folder.path().join("shear_flow/data/train");
    let first = train.join("shear_flow_train_0000.hdf5");
    let parameters: Vec<f64> = planned(&suite()).iter().map(|trajectory| trajectory.case.parameters[0]).collect();
    let file = hdf5::File::open_rw(&first).unwrap();
    file.dataset("scalars/Reynolds").unwrap().write_slice(&[parameters[4] as f32], 3..4).unwrap();
    file.close().unwrap();
    fs::remove_file(folder.path().join("waves.pack")).unwrap();
    says(
        pack_into(folder.path()),
        &["shear_flow_train_0000.hdf5", "damaged or was changed", "generate the data again"],
    );
    // As of an earlier version, which kept no checksums.
    fs::remove_file(folder.path().join("shear_flow/checksums.json")).unwrap();
    let expected = format!("expected one of [{:?}]", parameters[3]);
    says(pack_into(folder.path()), &["shear_flow_train_0000.hdf5", "scalars/Reynolds[3]", &expected]);

    fs::copy(train.join("shear_flow_train_0001.hdf5"), &first).unwrap();
    says(pack_into(folder.path()), &["shear_flow_train_0000.hdf5", "@n_trajectories", "expected 16", "found 2"]);
}

#[test]
fn published_files_are_judged_by_what_they_say() {
    let (folder, _) = packed();
    fs::remove_file(folder.path().join("shear_flow/generated.json")).unwrap();
    let out = folder.path().join("published.pack");
    let refused = |change: &dyn Fn(&mut Suite), parts: &[&str]| {
        let mut suite = published(&suite());
        change(&mut suite);
        let file = ["shear_flow_train_0000.hdf5"];
        says(pack(&suite, &Waves::default(), folder.path(), &out, &()), &[&file, parts].concat());
    };
    refused(&|suite| suite.systems[0].dt = 0.2, &["steps of 0.2", "0 to 0.8"]);
    refused(&|suite| suite.systems[0].frames = 8, &["8 frames", "found 9"]);
    refused(&|suite| suite.systems[0].store = [8, 6], &["[8, 6]", "[8, 12]"]);
    let values = |suite: &mut Suite| suite.systems[0].parameters[0].values = vec![200.0, 2000.0];
    refused(&values, &["scalars/Reynolds[0]", "[200.0, 2000.0]"]);
}

#[test]
fn requests_outside_the_data_are_refused() {
    let (_folder, packed) = packed();
    let mut out = vec![0.0; packed.clip_len(4)];
    let mut clip =
        |trajectory, start, frames, len: usize| packed.clip(Window { trajectory, start }, frames, &mut out[..len]);
    let len = packed.clip_len(4);
    clip(35, 5, 4, len).unwrap();
    says(clip(36, 0, 4, len), &["waves.pack", "trajectory 36", "36 trajectories"]);
    says(clip(0, 6, 4, len), &["from frame 6", "9 frames"]);
    says(clip(0, usize::MAX, 4, len), &["cannot read"]);
    says(clip(0, 0, 4, len - 1), &["buffer of"]);
    says(clip(0, 0, 0, 0), &["0 frames"]);
}

#[test]
fn damaged_and_foreign_packed_files_are_refused() {
    let (folder, packed) = packed();
    let path = packed.path().to_path_buf();
    drop(packed);
    let good = fs::read(&path).unwrap();
    let header_len = u64::from_le_bytes(good[8..16].try_into().unwrap()) as usize;
    let open = |bytes: &[u8]| {
        let path = folder.path().join("damaged.pack");
        fs::write(&path, bytes).unwrap();
        Packed::open(&path)
    };
    open(&good).unwrap().verify().unwrap();
    for len in [0, 7, 15, 16, 48, 200, header_len, good.len() - 1] {
        says(open(&good[..len]), &["damaged.pack", "expected", "found"]);
    }
    says(open(&[&good[..], &[0]].concat()), &["size", "damaged"]);
    says(open(b"\x89HDF\r\n\x1a\n and so on"), &["a packed file of physrep-bench"]);

    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    says(open(&flipped).unwrap().verify(), &["damaged.pack", "checksum"]);

    let with = |piece: &str, by: &str| {
        let header = String::from_utf8(good[48..48 + header_len].to_vec()).unwrap();
        assert!(header.contains(piece), "{header}");
        let header = header.replacen(piece, by, 1);
        let digest = *blake3::hash(header.as_bytes()).as_bytes();
        let length = (header.len() as u64).to_le_bytes();
        let start = [b"PHYSPACK".as_slice(), &length, &digest, header.as_bytes()].concat();
        open(&[&start, &good[start.len()..]].concat())
    };
    says(with("\"format\":4", "\"format\":9"), &["format 9", "pack the data again"]);
    says(with("\"frames\":9", "\"frames\":99999999999999999999"), &["header"]);
    says(with("\"frames\":9", "\"frames\":999999999999999999"), &["size", "more bytes than there can be"]);
    says(with("\"start\":0,\"end\":18", "\"start\":0,\"end\":19"), &["splits that follow"]);
    says(with("\"component\":1", "\"component\":7"), &["component 7"]);
    let mut label = good.clone();
    label[48 + header_len / 2] ^= 1;
    assert!(open(&label).is_err(), "a digit of the header");
    let mut huge = good.clone();
    huge[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    says(open(&huge), &["header", "pack the data again"]);
}

#[test]
fn a_damaged_packed_file_or_one_of_another_format_is_packed_again() {
    let (folder, packed) = packed();
    let path = packed.path().to_owned();
    let good = fs::read(&path).unwrap();
    let older = String::from_utf8_lossy(&good).find("\"format\":4").unwrap() + "\"format\":".len();
    let mut other = good.clone();
    other[older] = b'1';
    for bytes in [&other[..], &good[..good.len() - 1], &good[..20]] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        pack_into(folder.path()).unwrap();
        assert!(fs::read(&path).unwrap() == good);
    }
}

#[test]
fn a_file_that_is_not_a_packed_one_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();
    let out = folder.path().join("thesis.tex");
    fs::write(&out, "years of work").unwrap();
    says(pack(&suite(), &Waves::default(), folder.path(), &out, &()), &["thesis.tex", "not replaced"]);
    assert_eq!(fs::read(&out).unwrap(), b"years of work");
}

#[test]
fn published_files_are_packed_as_they_lie_and_missed_with_a_hint() {
    let (folder, packed) = packed();
    let published = published(&suite());
    fs::remove_file(folder.path().join("shear_flow/generated.json")).unwrap();
    let out = folder.path().join("published.pack");
    let again = pack(&published, &Waves::default(), folder.path(), &out, &()).unwrap();
    assert_eq!(again.header().trajectories, packed.header().trajectories);
    assert_eq!(again.header().checksum, packed.header().checksum);
    let empty = tempfile::tempdir().unwrap();
    says(
        pack(&published, &Waves::default(), empty.path(), &out, &()),
        &["train", "physrep-bench data fetch shear_flow"],
    );
    says(generate(&published, &Waves::default(), empty.path(), 1, &()), &["data fetch shear_flow"]);
}

/// Files that were changed in place, which keep their names and sizes, were taken for those that were packed.
#[test]
fn published_files_that_were_changed_in_place_are_packed_again() {
    let (folder, packed) = packed();
    let published = published(&suite());
    fs::remove_file(folder.path().join("shear_flow/generated.json")).unwrap();
    let out = folder.path().join("published.pack");
    let pack = || pack(&published, &Waves::default(), folder.path(), &out, &()).unwrap().header().clone();
    let before = pack();
    let (written, again) = (out.metadata().unwrap().modified().unwrap(), pack());
    assert_eq!((again, out.metadata().unwrap().modified().unwrap()), (before.clone(), written));

    let path = &split_files(folder.path(), "shear_flow", Split::Train).unwrap()[0];
    let file = hdf5::File::open_rw(path).unwrap();
    let tracer = file.dataset("t0_fields/tracer").unwrap();
    let changed = tracer.read_dyn::<f32>().unwrap().mapv(|value| 2.0 * value);
    tracer.write(&changed).unwrap();
    file.close().unwrap();
    let after = pack();
    assert_ne!(after.checksum, before.checksum);
    assert_eq!(packed.header().checksum, before.checksum);
}

/// Some published files call shear flow's Reynolds number `Rayleigh`.
#[test]
fn a_parameter_is_found_under_its_stale_name() {
    let (folder, packed) = packed();
    fs::remove_file(folder.path().join("shear_flow/generated.json")).unwrap();
    for split in packed.header().splits() {
        for path in split_files(folder.path(), "shear_flow", split).unwrap() {
            let file = hdf5::File::open_rw(&path).unwrap();
            let scalars = file.group("scalars").unwrap();
            scalars.relink("Reynolds", "Rayleigh").unwrap();
            scalars.delete_attr("field_names").unwrap();
            let names = ["Rayleigh", "Schmidt"].map(|n| n.parse::<VarLenUnicode>().unwrap());
            scalars.new_attr_builder().with_data(&names).create("field_names").unwrap();
        }
    }
    let out = folder.path().join("published.pack");
    let again = pack(&published(&suite()), &Waves::default(), folder.path(), &out, &()).unwrap();
    assert_ne!(again.header().source, packed.header().source);
    assert_eq!(again.header().trajectories, packed.header().trajectories);
    assert_eq!(again.header().checksum, packed.header().checksum);
}
