//! Damaged files, and files with false claims: each is refused with one line that names the file and the defect.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5::plist::dataset_create::FillTime;
use hdf5::types::{FixedAscii, VarLenUnicode};
use hdf5::{File, H5Type, Location};
use physrep_benchmarks::well::{WellFile, split_files};
use tempfile::TempDir;

use crate::support::{Waves, says, suite, write};

/// A valid file to damage.
fn good() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.hdf5");
    write(&path, None);
    (folder, path)
}

/// Opens a valid file after `damage` has changed it; the message has to have the file's name and all of `parts` in it.
#[track_caller]
fn damaged(damage: impl FnOnce(&File), parts: &[&str]) {
    let (_folder, path) = good();
    let file = File::open_rw(&path).unwrap();
    damage(&file);
    file.close().unwrap();
    let error = says(WellFile::open(&path), parts);
    assert!(error.to_string().contains("bad.hdf5"), "{error}");
}

fn replace<T: H5Type>(location: &Location, name: &str, value: T) {
    location.delete_attr(name).unwrap();
    location.new_attr::<T>().create(name).unwrap().write_scalar(&value).unwrap();
}

#[test]
fn what_is_not_hdf5_or_cut_off_is_refused() {
    let (_folder, path) = good();
    let bytes = fs::read(&path).unwrap();
    for other in [Vec::new(), b"not HDF5 at all".to_vec(), vec![0; 10_000]] {
        fs::write(&path, &other).unwrap();
        says(WellFile::open(&path), &["bad.hdf5", "expected an HDF5 file"]);
    }
    for length in [8, 100, 1000, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        says(WellFile::open(&path), &["bad.hdf5", "cannot open the file: H5Fopen()"]);
    }
    fs::remove_file(&path).unwrap();
    says(WellFile::open(&path), &["cannot read", "bad.hdf5"]);
    says(WellFile::open(Path::new("/")), &["expected an HDF5 file"]);
}

/// Whatever byte is wrong, the reader comes back with a value or an error. Left out are the heaps in which HDF5 keeps strings:
/// its version 2.2.0 can go round for ever in one that is damaged.
#[test]
fn no_wrong_byte_brings_the_reader_down() {
    let (_folder, path) = good();
    let bytes = fs::read(&path).unwrap();
    let heaps: Vec<Range<usize>> = (0..bytes.len() - 16)
        .filter(|&at| bytes[at..].starts_with(b"GCOL"))
        .map(|at| at..at + u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize)
        .collect();
    assert!(!heaps.is_empty());
    // The metadata lies in front and between; a prime step meets all kinds of it.
    for at in (0..bytes.len()).step_by(17).filter(|at| !heaps.iter().any(|heap| heap.contains(at))) {
        let mut wrong = bytes.clone();
        wrong[at] = !wrong[at];
        fs::write(&path, &wrong).unwrap();
        let read = WellFile::open(&path).and_then(|file| {
            let layout = file.layout().clone();
            layout.fields.iter().try_for_each(|f| file.read(&f.name, 0..1, 0..1).map(drop))
        });
        if let Err(error) = read {
            assert!(error.to_string().contains("bad.hdf5"), "byte {at}: {error}");
        }
    }
}

#[test]
fn missing_groups_attributes_and_datasets_are_named() {
    for group in ["dimensions", "boundary_conditions", "scalars", "t0_fields", "t1_fields", "t2_fields"] {
        damaged(|f| f.unlink(group).unwrap(), &[group, "expected a group", "nothing"]);
    }
    for name in ["n_spatial_dims", "n_trajectories", "dataset_name"] {
        damaged(|f| f.delete_attr(name).unwrap(), &[&format!("@{name}"), "nothing of this name"]);
    }
    for (group, name) in [("t0_fields", "acid"), ("dimensions", "time"), ("scalars", "zeta")] {
        let place = format!("{group}/{name}");
        damaged(|f| f.unlink(&place).unwrap(), &[&place, "expected a dataset"]);
    }
    let names = |f: &File| f.group("t1_fields").unwrap().delete_attr("field_names").unwrap();
    damaged(names, &["t1_fields @field_names", "nothing"]);
}

#[test]
fn wrong_shapes_and_types_are_named() {
    let field = |f: &File| {
        f.unlink("t1_fields/velocity").unwrap();
        f.group("t1_fields").unwrap()
    };
    damaged(
        |f| {
            field(f).new_dataset::<f32>().shape([2, 3, 4, 6]).create("velocity").unwrap();
        },
        &["t1_fields/velocity", "expected shape [2, 3, 4, 6, 2]", "found [2, 3, 4, 6]"],
    );
    damaged(
        |f| {
            let array = ndarray::Array5::<i32>::zeros((2, 3, 4, 6, 2));
            field(f).new_dataset_builder().with_data(&array).create("velocity").unwrap();
        },
        &["t1_fields/velocity", "expected float16, float32 or float64", "found int32"],
    );
    damaged(|f| replace(f, "n_trajectories", 3_i64), &["t0_fields/zinc", "[3, 3, 4, 6]"]);
    damaged(|f| replace(f, "n_trajectories", -1_i64), &["@n_trajectories", "-1"]);
    damaged(|f| replace(f, "n_trajectories", 2.0_f64), &["@n_trajectories", "one integer", "float64"]);
    damaged(|f| replace(f, "n_spatial_dims", 3_i64), &["@n_spatial_dims", "expected 2", "found 3"]);
    damaged(
        |f| replace(f, "dataset_name", FixedAscii::<8>::from_ascii("flow").unwrap()),
        &["@dataset_name", "variable-length strings", "string (len"],
    );
    damaged(
        |f| {
            let kind: VarLenUnicode = "SLIPPERY".parse().unwrap();
            replace(&f.group("boundary_conditions/y_wall").unwrap(), "bc_type", kind);
        },
        &["boundary_conditions/y_wall @bc_type", "PERIODIC, WALL or OPEN", "SLIPPERY"],
    );
    damaged(
        |f| {
            f.unlink("scalars/zeta").unwrap();
            let scalars = f.group("scalars").unwrap();
            scalars.new_dataset_builder().with_data(&[1.0_f32, 2.0, 3.0]).create("zeta").unwrap();
        },
        &["scalars/zeta", "one value, or 2, one for each trajectory", "found 3"],
    );
    damaged(
        |f| {
            f.unlink("scalars/zeta").unwrap();
            let scalars = f.group("scalars").unwrap();
            scalars.new_dataset_builder().with_data(&ndarray::arr2(&[[1.0_f32], [2.0]])).create("zeta").unwrap();
        },
        &["scalars/zeta", "one value, of shape () or (1), or one for each trajectory", "shape [2, 1]"],
    );
    damaged(
        |f| {
            let group = f.group("t0_fields").unwrap();
            group.delete_attr("field_names").unwrap();
            let many: Vec<VarLenUnicode> = vec!["zinc".parse().unwrap(); 2000];
            group.new_attr_builder().with_data(&many).create("field_names").unwrap();
        },
        &["t0_fields @field_names", "a short list", "[2000]"],
    );
    damaged(
        |f| {
            let group = f.group("t0_fields").unwrap();
            group.link_soft("/t0_fields", "loop").unwrap();
            group.unlink("zinc").unwrap();
            group.link_soft("/t0_fields", "zinc").unwrap();
        },
        &["t0_fields/zinc", "expected a dataset"],
    );
}

#[test]
fn what_no_file_of_the_well_has_is_refused() {
    damaged(|f| replace(f, "n_trajectories", 0_i64), &["@n_trajectories", "1 or more", "found 0"]);
    damaged(
        |f| f.dataset("scalars/zeta").unwrap().write_scalar(&f32::NAN).unwrap(),
        &["scalars/zeta", "finite values", "NaN"],
    );
    damaged(
        |f| {
            let group = f.group("t0_fields").unwrap();
            group.delete_attr("field_names").unwrap();
            let twice: [VarLenUnicode; 2] = ["zinc", "zinc"].map(|name| name.parse().unwrap());
            group.new_attr_builder().with_data(&twice).create("field_names").unwrap();
        },
        &["t0_fields @field_names", "names that differ", "zinc"],
    );
    damaged(
        |f| {
            let group = f.group("boundary_conditions").unwrap();
            (0..2000).for_each(|i| drop(group.create_group(&format!("c{i}")).unwrap()));
        },
        &["boundary_conditions", "a handful of members", "2002"],
    );
    // HDF5 hands out bytes as text.
    let (_folder, path) = good();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(13).position(|w| w == b"active_matter").unwrap();
    bytes[at] = 0xff;
    fs::write(&path, &bytes).unwrap();
    says(WellFile::open(&path), &["bad.hdf5", "@dataset_name", "expected UTF-8"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("folder.hdf5")).unwrap();
    says(WellFile::open(&path("folder.hdf5")), &["folder.hdf5", "expected an HDF5 file", "no regular file"]);
    std::os::unix::fs::symlink(path("loop.hdf5"), path("loop.hdf5")).unwrap();
    says(WellFile::open(&path("loop.hdf5")), &["cannot read", "loop.hdf5", "symbolic links"]);
    // Nobody ever writes to the pipe: who opens it waits for ever.
    assert!(std::process::Command::new("mkfifo").arg(path("pipe.hdf5")).status().unwrap().success());
    says(WellFile::open(&path("pipe.hdf5")), &["pipe.hdf5", "no regular file"]);
}

/// Packing goes through the same reader.
#[test]
fn hostile_files_are_not_packed() {
    use physrep_benchmarks::{Split, generate::generate, packed::pack};
    let folder = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();
    fs::remove_file(folder.path().join("shear_flow/checksums.json")).unwrap();
    let path = split_files(folder.path(), "shear_flow", Split::Valid).unwrap()[0].clone();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let good = fs::read(&path).unwrap();
    let out = folder.path().join("out.packed");
    let pack = || pack(&suite(), &Waves::default(), folder.path(), &out, &());
    let other = "expected an HDF5 file";
    for (bytes, reason) in [(&good[..0], other), (&good[..good.len() / 2], "truncated file"), (b"not HDF5", other)] {
        fs::write(&path, bytes).unwrap();
        says(pack().map(drop), &[&name, reason]);
    }
    fs::write(&path, &good).unwrap();
    let file = File::open_rw(&path).unwrap();
    file.dataset("t0_fields/tracer").unwrap().write_slice(&[f32::NAN], (0, 4, 5, 6..7)).unwrap();
    file.close().unwrap();
    says(pack().map(drop), &[&name, "tracer, trajectory 0, frame 4", "NaN"]);
    assert!(!out.exists(), "nothing is left of a file that could not be packed");
}

/// Claims of a million million values cost neither memory nor time.
#[test]
fn claims_beyond_the_file_are_refused_before_anything_is_read() {
    const N: usize = 1_000_000_000_000;
    let time = |f: &File| {
        f.unlink("dimensions/time").unwrap();
        f.group("dimensions").unwrap()
    };
    damaged(
        |f| {
            time(f).new_dataset::<f64>().shape([N]).create("time").unwrap();
        },
        &["dimensions/time", "8000000000000 bytes", "does not hold them"],
    );
    damaged(
        |f| {
            time(f).new_dataset::<f64>().chunk([1 << 20]).deflate(1).shape([N]).create("time").unwrap();
        },
        &["dimensions/time", "does not hold them"],
    );
    damaged(
        |f| {
            f.unlink("scalars/zeta").unwrap();
            f.group("scalars").unwrap().new_dataset::<f32>().shape([N]).create("zeta").unwrap();
        },
        &["scalars/zeta", "one for each trajectory", "shape [1000000000000]"],
    );
    damaged(
        |f| {
            f.unlink("t0_fields/zinc").unwrap();
            let group = f.group("t0_fields").unwrap();
            let builder = group.new_dataset::<f32>().fill_time(FillTime::Never);
            builder.shape([2, 3, 4, 6]).create("zinc").unwrap();
        },
        &["t0_fields/zinc", "expected values", "never written, and no fill value"],
    );
    damaged(
        |f| {
            f.unlink("t0_fields/zinc").unwrap();
            let builder = f.group("t0_fields").unwrap().new_dataset::<f32>();
            builder.external("/etc/passwd", 0, 576).shape([2, 3, 4, 6]).create("zinc").unwrap();
        },
        &["t0_fields/zinc", "values in this file", "other files"],
    );
    damaged(
        |f| {
            f.delete_attr("n_trajectories").unwrap();
            f.new_attr::<i64>().create("n_trajectories").unwrap().write_scalar(&(N as i64)).unwrap();
        },
        &["t0_fields/zinc", "expected shape [1000000000000, 3, 4, 6]"],
    );
}

#[test]
fn what_was_never_written_has_the_fill_value() {
    let (_folder, path) = good();
    let file = File::open_rw(&path).unwrap();
    for (name, chunk) in [("zinc", false), ("acid", true)] {
        file.unlink(&format!("t0_fields/{name}")).unwrap();
        let group = file.group("t0_fields").unwrap();
        let mut builder = group.new_dataset::<f32>().fill_value(2.5_f32);
        if chunk {
            builder = builder.chunk([1, 1, 4, 6]);
        }
        builder.shape([2, 3, 4, 6]).create(name).unwrap();
    }
    file.close().unwrap();
    let file = WellFile::open(&path).unwrap();
    for name in ["zinc", "acid"] {
        assert_eq!(file.read(name, 0..2, 0..3).unwrap(), [2.5; 2 * 3 * 4 * 6], "{name}");
    }
}

#[test]
fn values_that_are_not_finite_are_refused_where_they_are() {
    let (_folder, path) = good();
    let file = File::open_rw(&path).unwrap();
    let velocity = file.dataset("t1_fields/velocity").unwrap();
    velocity.write_slice(&[f32::NAN, 0.0], (1, 2, 3, 4, ..)).unwrap();
    file.dataset("dimensions/x").unwrap().write_slice(&[0.5_f32], 0..1).unwrap();
    drop(velocity);
    file.close().unwrap();
    let file = WellFile::open(&path).unwrap();
    says(file.read("velocity", 0..2, 0..3), &["bad.hdf5", "velocity, trajectory 1, frame 2", "NaN"]);
    says(file.read("velocity", 1..2, 1..3), &["trajectory 1, frame 2"]);
    assert!(file.read("velocity", 0..2, 0..2).is_ok());

    damaged(
        |f| f.dataset("dimensions/time").unwrap().write_slice(&[f64::INFINITY], 2..3).unwrap(),
        &["dimensions/time", "finite values", "inf"],
    );
}

#[test]
fn folders_without_files_are_refused() {
    use physrep_benchmarks::Split;
    let folder = tempfile::tempdir().unwrap();
    says(split_files(folder.path(), "shear_flow", Split::Train), &["read folder", "data/train"]);
    let train = folder.path().join("shear_flow/data/train");
    fs::create_dir_all(&train).unwrap();
    fs::write(train.join(".a.hdf5.unfinished"), "").unwrap();
    fs::write(train.join(".hidden.hdf5"), "").unwrap();
    says(split_files(folder.path(), "shear_flow", Split::Train), &["data/train", "no .hdf5 file", "generate or fetch"]);
}
