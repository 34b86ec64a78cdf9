//! Generation: the same files however often it is interrupted and however many threads it has.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, abort};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use physrep_benchmarks::generate::generate;
use physrep_benchmarks::suite::{Suite, Trajectory};
use physrep_benchmarks::well::{WellFile, split_files};
use physrep_benchmarks::{Error, Progress, Split};

use crate::support::{Waves, files, held_out, planned, says, suite, suite_with};

/// Frames of all 36 trajectories.
const FRAMES: usize = 36 * 9;

/// Stops when that many frames are done.
fn stop_at(frames: usize) -> impl Progress {
    move |done: usize, total: usize, _: &str| {
        assert_eq!(total, FRAMES);
        if done >= frames { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn the_bytes_do_not_depend_on_time_threads_or_interruptions() {
    let (suite, system) = (suite(), Waves::default());
    let whole = tempfile::tempdir().unwrap();
    let summary = generate(&suite, &system, whole.path(), 1, &()).unwrap();
    assert_eq!((summary.files, summary.trajectories, summary.simulated), (4, 36, 36));
    let expected = files(whole.path());
    assert_eq!(expected.len(), 4 + 4, "files of three splits, two descriptions, the settings and the checksums");
    // HDF5 keeps times in seconds.
    sleep(Duration::from_millis(1100));

    for (threads, stop) in [(2, FRAMES + 1), (1, 1), (1, 9 * 7 + 4), (2, 9 * 20 + 5), (2, FRAMES)] {
        let folder = tempfile::tempdir().unwrap();
        let first = generate(&suite, &system, folder.path(), threads, &stop_at(stop));
        if stop <= FRAMES {
            assert!(matches!(first, Err(Error::Stopped)), "{first:?}");
            let second = generate(&suite, &system, folder.path(), threads, &()).unwrap();
            let in_flight = threads;
            assert!(second.simulated <= 36 - (stop - 1) / 9 + in_flight, "{stop}: {}", second.simulated);
        }
        assert!(files(folder.path()) == expected, "threads {threads}, stopped at {stop}");
    }
}

/// What [`a_killed_process_loses_at_most_the_trajectories_in_flight`] runs in a process of its own.
#[test]
#[ignore = "ends its process; another test runs it"]
fn killed() {
    let folder = std::env::var("PHYSREP_TEST_FOLDER").unwrap();
    let frames: usize = std::env::var("PHYSREP_TEST_FRAMES").unwrap().parse().unwrap();
    let die = |done: usize, _: usize, _: &str| {
        if done >= frames { abort() } else { ControlFlow::Continue(()) }
    };
    generate(&suite(), &Waves::default(), Path::new(&folder), 2, &die).unwrap();
}

#[test]
fn a_killed_process_loses_at_most_the_trajectories_in_flight() {
    let whole = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), whole.path(), 2, &()).unwrap();
    for frames in [5, 9 * 11, 9 * 25 + 8] {
        let folder = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "data::generation::killed", "--ignored", "--test-threads=1"])
            .env("PHYSREP_TEST_FOLDER", folder.path())
            .env("PHYSREP_TEST_FRAMES", frames.to_string())
            .output()
            .unwrap()
            .status;
        assert!(status.code().is_none(), "the process should have died by a signal: {status}");
        let rest = generate(&suite(), &Waves::default(), folder.path(), 1, &()).unwrap();
        assert!(rest.simulated <= 36 - frames / 9 + 2, "{frames}: {}", rest.simulated);
        assert!(files(folder.path()) == files(whole.path()), "killed at {frames}");
    }
}

#[test]
fn files_hold_sixteen_trajectories_of_a_split_at_most_in_the_order_of_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let suite = held_out(6);
    let summary = generate(&suite, &Waves::default(), folder.path(), 2, &()).unwrap();
    assert_eq!((summary.files, summary.trajectories), (6, 54));
    let planned = planned(&suite);
    for (split, counts) in
        [(Split::Train, &[16, 2][..]), (Split::Valid, &[6]), (Split::Test, &[12]), (Split::HeldOut, &[16, 2])]
    {
        let mut expected = planned.iter().filter(|trajectory| trajectory.split == split);
        let paths = split_files(folder.path(), "shear_flow", split).unwrap();
        assert_eq!(paths.len(), counts.len());
        for (number, (path, &count)) in paths.iter().zip(counts).enumerate() {
            assert!(path.ends_with(format!("shear_flow_{split}_{number:04}.hdf5")), "{}", path.display());
            let file = WellFile::open(path).unwrap();
            assert_eq!(file.layout().trajectories, count);
            for index in 0..count {
                let Trajectory { case, .. } = expected.next().unwrap();
                let found = file.layout().scalars.iter().map(|scalar| scalar.of(index).unwrap() as f32);
                assert!(found.eq(case.parameters.iter().map(|&value| value as f32)));
                let tracer = file.read("tracer", index..index + 1, 3..4).unwrap();
                assert_eq!(tracer[0], Waves::value(0, case, [0.0, -1.0], 3.0 * 0.1));
            }
        }
        assert!(expected.next().is_none());
    }
}

#[test]
fn complete_data_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();
    let never = |_: usize, _: usize, _: &str| panic!("there is nothing to do");
    let second = generate(&suite(), &Waves::default(), folder.path(), 2, &never).unwrap();
    assert_eq!((second.simulated, &second.key), (0, &first.key));
}

#[test]
fn a_damaged_part_is_made_again() {
    let whole = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), whole.path(), 2, &()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Stopped between the parts of one file: they are still there.
    let seen = AtomicUsize::new(0);
    let stop = |_: usize, _: usize, _: &str| {
        if seen.fetch_add(1, Ordering::Relaxed) == 9 * 2 + 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    generate(&suite(), &Waves::default(), folder.path(), 1, &stop).unwrap_err();
    let mut parts: Vec<_> = fs::read_dir(folder.path().join("shear_flow/.parts"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "part"))
        .collect();
    parts.sort();
    assert_eq!(parts.len(), 2);
    let mut bytes = fs::read(&parts[0]).unwrap();
    bytes[100] ^= 1;
    fs::write(&parts[0], &bytes).unwrap();
    fs::write(&parts[1], &bytes[..50]).unwrap();
    let rest = generate(&suite(), &Waves::default(), folder.path(), 1, &()).unwrap();
    assert_eq!(rest.simulated, 36);
    assert!(files(folder.path()) == files(whole.path()));
}

#[test]
fn data_of_other_settings_is_neither_mixed_nor_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), folder.path(), 1, &stop_at(30)).unwrap_err();
    let before = files(folder.path());
    for (piece, by, differs) in [
        ("frames = 9", "frames = 10", "frames 9 instead of 10"),
        ("[100, 2000]", "[100, 3000]", "parameters"),
        ("seed = 7", "seed = 8", "seed 7 instead of 8"),
        ("test = 12", "test = 13", r#""test":12"#),
        ("[0, 6]", "[0, 5]", "initial"),
        ("solve = [8, 12]", "solve = [8, 12]\ngzip = 1", "gzip null instead of 1"),
    ] {
        let other = suite_with(piece, by).unwrap();
        let refused = generate(&other, &Waves::default(), folder.path(), 1, &());
        says(refused, &["shear_flow", differs, "choose another folder"]);
    }
    let drawn = Suite { draw: 7, ..suite() };
    says(generate(&drawn, &Waves::default(), folder.path(), 1, &()), &["seed 7 instead of", "choose another folder"]);
    assert!(files(folder.path()) == before);
    // What data does not depend on may change.
    let relabelled = suite_with("[0.1, 2]", "[0.1, 2], mean = 0, std = 1").unwrap();
    assert!(generate(&relabelled, &Waves::default(), folder.path(), 1, &()).is_ok());
}

#[test]
fn data_from_elsewhere_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("shear_flow/data/train")).unwrap();
    says(
        generate(&suite(), &Waves::default(), folder.path(), 1, &()),
        &["shear_flow", "not generated here", "another folder"],
    );
}

#[test]
fn a_second_process_waits_for_the_first_and_then_finds_all_data() {
    let folder = tempfile::tempdir().unwrap();
    let stop_waiting = |_: usize, _: usize, note: &str| {
        assert!(note.starts_with("waiting for process ") && note.contains("generates this data"), "{note}");
        ControlFlow::Break(())
    };
    let second = || generate(&suite(), &Waves::default(), folder.path(), 1, &());
    let waiting = thread::scope(|scope| {
        let started = Mutex::new(None);
        let inner = |done: usize, _: usize, _: &str| {
            if done == 1 {
                says(generate(&suite(), &Waves::default(), folder.path(), 1, &stop_waiting), &["stopped on request"]);
                *started.lock().unwrap() = Some(scope.spawn(second));
            }
            ControlFlow::Continue(())
        };
        generate(&suite(), &Waves::default(), folder.path(), 1, &inner).unwrap();
        let second = started.lock().unwrap().take();
        second.expect("a second generation").join().expect("no panic")
    });
    assert_eq!(waiting.unwrap().simulated, 0);
    assert!(!folder.path().join("shear_flow/.parts").exists());
}

#[test]
fn a_solution_that_is_not_finite_is_refused_with_its_case() {
    let folder = tempfile::tempdir().unwrap();
    let diverging = Waves { poison: Some(4), ..Waves::default() };
    let suite = suite();
    let case = &planned(&suite)[0].case;
    let ([reynolds, schmidt], [wave, phase]) = (&case.parameters[..], &case.initial[..]) else { panic!("{case:?}") };
    let case = format!("shear_flow (Reynolds {reynolds}, Schmidt {schmidt}, wave {wave}, phase {phase})");
    says(generate(&suite, &diverging, folder.path(), 1, &()), &[&case, "tracer", "time 0.4", "`solve`"]);
}

#[test]
fn compressed_data_holds_the_same_values() {
    let [plain, small] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    generate(&suite(), &Waves::default(), plain.path(), 2, &()).unwrap();
    let gzip = suite_with("solve = [8, 12]", "solve = [8, 12]\ngzip = 9").unwrap();
    generate(&gzip, &Waves::default(), small.path(), 2, &()).unwrap();
    let files = |folder: &Path| split_files(folder, "shear_flow", Split::Test).unwrap();
    for (a, b) in files(plain.path()).iter().zip(files(small.path())) {
        let (a, b) = (WellFile::open(a).unwrap(), WellFile::open(&b).unwrap());
        assert_eq!(a.layout(), b.layout());
        for field in &a.layout().fields {
            let read = |f: &WellFile| f.read(&field.name, 0..2, 3..7).unwrap();
            assert_eq!(read(&a), read(&b));
        }
    }
}

#[test]
fn the_description_counts_the_training_split() {
    let folder = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();
    let yaml = fs::read_to_string(folder.path().join("shear_flow/shear_flow.yaml")).unwrap();
    assert_eq!(
        yaml,
        "\
dataset_name: shear_flow
n_spatial_dims: 2
spatial_resolution: [8, 12]
scalar_names: []
constant_scalar_names: [Reynolds, Schmidt]
field_names:
  0: [tracer, pressure]
  1: [velocity_x, velocity_y]
  2: []
constant_field_names:
  0: []
  1: []
  2: []
boundary_condition_types: [PERIODIC]
n_files: 2
n_trajectories_per_file: [16, 2]
n_steps_per_trajectory: [9, 9]
grid_type: cartesian
"
    );
}
