//! The layout of The Well's files, as HDF5 sees it, and as this crate reads it back.

use hdf5::types::{TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{File, H5Type, Location};
use physrep_benchmarks::systems::Boundary;
use physrep_benchmarks::well::{WellFile, WellLayout, WellScalar, WellWriter};

use crate::support::{layout, says, value, write, write_as};

fn attribute<T: H5Type>(location: &Location, name: &str) -> T {
    let attribute = location.attr(name).unwrap();
    assert_eq!(attribute.dtype().unwrap().to_descriptor().unwrap(), T::type_descriptor(), "{name}");
    assert_eq!(attribute.shape(), [0; 0], "{name} is a scalar");
    attribute.read_scalar().unwrap()
}

fn text(location: &Location, name: &str) -> String {
    attribute::<VarLenUnicode>(location, name).to_string()
}

fn texts(location: &Location, name: &str) -> Vec<String> {
    let attribute = location.attr(name).unwrap();
    assert_eq!(attribute.dtype().unwrap().to_descriptor().unwrap(), TypeDescriptor::VarLenUnicode);
    attribute.read_1d::<VarLenUnicode>().unwrap().iter().map(|t| t.to_string()).collect()
}

/// `(sample_varying, time_varying)`, which have to be what h5py calls a bool.
fn varying(location: &Location) -> (bool, bool) {
    (attribute(location, "sample_varying"), attribute(location, "time_varying"))
}

#[test]
fn a_written_file_has_every_group_attribute_and_type_of_the_specification() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    write(&path, None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");
    let file = File::open(&path).unwrap();

    assert_eq!(text(&file, "dataset_name"), "active_matter");
    assert_eq!(text(&file, "grid_type"), "cartesian");
    assert_eq!(attribute::<i64>(&file, "n_spatial_dims"), 2);
    assert_eq!(attribute::<i64>(&file, "n_trajectories"), 2);
    assert_eq!(texts(&file, "simulation_parameters"), ["zeta", "alpha"]);
    assert_eq!(attribute::<f64>(&file, "zeta"), 17.0);
    assert_eq!(attribute::<f64>(&file, "alpha"), -0.1);
    let mut groups = file.member_names().unwrap();
    groups.sort();
    let all = ["boundary_conditions", "dimensions", "scalars", "t0_fields", "t1_fields", "t2_fields"];
    assert_eq!(groups, all);

    let dimensions = file.group("dimensions").unwrap();
    assert_eq!(texts(&dimensions, "spatial_dims"), ["x", "y"]);
    let time = dimensions.dataset("time").unwrap();
    assert_eq!(time.dtype().unwrap().to_descriptor().unwrap(), f64::type_descriptor());
    assert_eq!(time.read_raw::<f64>().unwrap(), [0.0, 0.25, 0.5]);
    assert_eq!(varying(&time), (false, true));
    for (axis, n) in [("x", 4), ("y", 6)] {
        let dataset = dimensions.dataset(axis).unwrap();
        assert_eq!(dataset.dtype().unwrap().to_descriptor().unwrap(), f32::type_descriptor());
        assert_eq!(dataset.shape(), [n]);
        assert_eq!(varying(&dataset), (false, false));
    }

    let conditions = file.group("boundary_conditions").unwrap();
    for (name, kind, axis, n) in [("x_periodic", "PERIODIC", "x", 4), ("y_wall", "WALL", "y", 6)] {
        let condition = conditions.group(name).unwrap();
        assert_eq!(text(&condition, "bc_type"), kind);
        assert_eq!(texts(&condition, "associated_dims"), [axis]);
        assert!(texts(&condition, "associated_fields").is_empty());
        assert_eq!(varying(&condition), (false, false));
        let mask = condition.dataset("mask").unwrap().read_raw::<bool>().unwrap();
        assert_eq!(mask, (0..n).map(|j| j == 0 || j == n - 1).collect::<Vec<_>>());
    }

    let scalars = file.group("scalars").unwrap();
    assert_eq!(texts(&scalars, "field_names"), ["zeta", "alpha"]);
    let alpha = scalars.dataset("alpha").unwrap();
    assert_eq!((alpha.shape(), alpha.read_scalar::<f32>().unwrap()), (vec![], -0.1));
    assert_eq!(varying(&alpha), (false, false));

    for (group, name, shape) in [
        ("t0_fields", "zinc", vec![2, 3, 4, 6]),
        ("t0_fields", "acid", vec![2, 3, 4, 6]),
        ("t1_fields", "velocity", vec![2, 3, 4, 6, 2]),
        ("t2_fields", "D", vec![2, 3, 4, 6, 2, 2]),
    ] {
        let group = file.group(group).unwrap();
        assert!(texts(&group, "field_names").contains(&name.to_owned()));
        let dataset = group.dataset(name).unwrap();
        assert_eq!(dataset.dtype().unwrap().to_descriptor().unwrap(), f32::type_descriptor());
        assert_eq!((dataset.shape(), dataset.is_chunked()), (shape, false));
        assert_eq!(varying(&dataset), (true, true));
        let dim_varying = dataset.attr("dim_varying").unwrap();
        assert_eq!(dim_varying.dtype().unwrap().to_descriptor().unwrap(), TypeDescriptor::Boolean);
        assert_eq!(dim_varying.read_raw::<bool>().unwrap(), [true, true]);
    }
    let d = file.dataset("t2_fields/D").unwrap();
    assert!(!attribute::<bool>(&d, "symmetric") && !attribute::<bool>(&d, "antisymmetric"));
}

#[test]
fn parts_of_fields_are_read_without_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    for gzip in [None, Some(4)] {
        let path = folder.path().join(format!("file_{gzip:?}.hdf5"));
        write(&path, gzip);
        let file = WellFile::open(&path).unwrap();
        assert_eq!(File::open(&path).unwrap().dataset("t1_fields/velocity").unwrap().is_chunked(), gzip.is_some());
        let mut expected = layout();
        expected.scalars[1].values = vec![f64::from(-0.1_f32)];
        assert_eq!(*file.layout(), expected);
        for (i, field) in layout().fields.iter().enumerate() {
            let frame = layout().frame_len(field);
            let read = file.read(&field.name, 1..2, 1..3).unwrap();
            assert_eq!(read, (frame..3 * frame).map(|j| value(1, i, j)).collect::<Vec<_>>());
            let read = file.read(&field.name, 0..2, 2..3).unwrap();
            let expected = [0, 1].map(|t| (2 * frame..3 * frame).map(move |j| value(t, i, j)));
            assert_eq!(read, expected.into_iter().flatten().collect::<Vec<_>>());
            assert!(file.read(&field.name, 1..1, 0..3).unwrap().is_empty());
        }
        says(file.read("velocity", 0..3, 0..1), &[".hdf5", "trajectories 0..3", "there are 2"]);
        says(file.read("velocity", 0..1, 3..4), &[".hdf5", "times 3..4", "there are 3"]);
        says(file.read("vorticity", 0..1, 0..1), &[".hdf5", "vorticity", "zinc, acid, velocity, D"]);
    }
}

#[test]
fn a_trajectory_of_the_wrong_size_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let mut writer = WellWriter::create(&path, layout(), None).unwrap();
    says(writer.write(0, 2, &[0.0; 3]), &["file.hdf5", "velocity", "[3, 4, 6, 2]", "3 values"]);
    says(writer.write(2, 0, &[0.0; 72]), &["file.hdf5", "trajectory 2"]);
    says(writer.write(0, 4, &[0.0; 72]), &["file.hdf5", "field 4"]);
    let mut mixed = layout();
    mixed.fields.reverse();
    says(WellWriter::create(&path, mixed, None).map(drop), &["file.hdf5", "scalars, vectors, tensors"]);
}

/// The test's layout, with one of its scalars different for each trajectory.
fn varied(values: &[f64]) -> WellLayout {
    let mut layout = layout();
    layout.scalars[1] = WellScalar { name: "alpha".into(), values: values.into() };
    layout
}

#[test]
fn a_scalar_may_have_a_value_for_each_trajectory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    let written = varied(&[-0.5, -1.25]);
    write_as(&path, written.clone(), None);
    let read = WellFile::open(&path).unwrap();
    assert_eq!(*read.layout(), written);
    let [zeta, alpha] = &read.layout().scalars[..] else { panic!("two scalars") };
    assert_eq!([0, 1, 2].map(|trajectory| zeta.of(trajectory)), [Some(17.0); 3]);
    assert_eq!([0, 1, 2].map(|trajectory| alpha.of(trajectory)), [Some(-0.5), Some(-1.25), None]);

    // Only what all trajectories share is among the attributes, too.
    let file = File::open(&path).unwrap();
    assert_eq!(texts(&file, "simulation_parameters"), ["zeta"]);
    assert!(file.attr("alpha").is_err());
    let scalars = file.group("scalars").unwrap();
    assert_eq!(texts(&scalars, "field_names"), ["zeta", "alpha"]);
    let [zeta, alpha] = ["zeta", "alpha"].map(|name| scalars.dataset(name).unwrap());
    assert_eq!((zeta.shape(), varying(&zeta)), (vec![], (false, false)));
    assert_eq!((alpha.shape(), varying(&alpha)), (vec![2], (true, false)));
    assert_eq!(alpha.read_raw::<f32>().unwrap(), [-0.5, -1.25]);
}

#[test]
fn a_scalar_with_another_number_of_values_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.hdf5");
    for values in [&[][..], &[1.0, 2.0, 3.0]] {
        let refused = WellWriter::create(&path, varied(values), None).map(drop);
        says(refused, &["file.hdf5", "alpha", "or 2, one for each trajectory", &format!("there are {}", values.len())]);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

/// A file as h5py writes it and as published files are: labels with both ends, names in another order than the groups
/// list them, a scalar of shape (1) under a stale name, boundary conditions with a longer name, chunks, and an empty list
/// that is stored as numbers.
#[test]
fn published_layouts_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("published.hdf5");
    let file = File::create(&path).unwrap();
    let text = |l: &Location, name: &str, t: &str| {
        let t: VarLenUnicode = t.parse().unwrap();
        l.new_attr::<VarLenUnicode>().create(name).unwrap().write_scalar(&t).unwrap();
    };
    let texts = |l: &Location, name: &str, t: &[&str]| {
        let t: Vec<VarLenUnicode> = t.iter().map(|t| t.parse().unwrap()).collect();
        l.new_attr_builder().with_data(&t).create(name).unwrap();
    };
    text(&file, "dataset_name", "shear_flow");
    for name in ["n_spatial_dims", "n_trajectories"] {
        file.new_attr::<i32>().create(name).unwrap().write_scalar(&2).unwrap();
    }
    let dimensions = file.create_group("dimensions").unwrap();
    texts(&dimensions, "spatial_dims", &["x", "y"]);
    dimensions.new_dataset_builder().with_data(&[0.0_f32, 0.1, 0.2]).create("time").unwrap();
    dimensions.new_dataset_builder().with_data(&[0.0_f64, 0.5, 1.0]).create("x").unwrap();
    dimensions.new_dataset_builder().with_data(&[0.0_f32, 0.25, 0.5, 0.75, 1.0]).create("y").unwrap();
    let conditions = file.create_group("boundary_conditions").unwrap();
    for (name, kind, axis) in [("x_periodic", "periodic", "x"), ("y_wall_dirichlet", "WALL", "y")] {
        let condition = conditions.create_group(name).unwrap();
        text(&condition, "bc_type", kind);
        text(&condition, "associated_dims", axis);
    }
    let scalars = file.create_group("scalars").unwrap();
    let ascii: Vec<VarLenAscii> = ["Rayleigh", "Schmidt"].map(|t| VarLenAscii::from_ascii(t).unwrap()).into();
    scalars.new_attr_builder().with_data(&ascii).create("field_names").unwrap();
    scalars.new_dataset_builder().with_data(&[1e4_f32]).create("Rayleigh").unwrap();
    scalars.new_dataset::<f64>().create("Schmidt").unwrap().write_scalar(&0.2).unwrap();
    let t0 = file.create_group("t0_fields").unwrap();
    texts(&t0, "field_names", &["tracer", "pressure"]);
    for (name, value) in [("pressure", 1.0), ("tracer", 2.0)] {
        let dataset = t0.new_dataset::<f64>().chunk([1, 2, 2, 5]).shuffle().deflate(1);
        let dataset = dataset.shape([2, 3, 3, 5]).create(name).unwrap();
        dataset.write_raw(&[value; 90]).unwrap();
    }
    let t1 = file.create_group("t1_fields").unwrap();
    texts(&t1, "field_names", &["velocity"]);
    t1.new_dataset_builder().with_data(&ndarray::Array5::<f32>::zeros((2, 3, 3, 5, 2))).create("velocity").unwrap();
    let t2 = file.create_group("t2_fields").unwrap();
    t2.new_attr::<f64>().shape([0]).create("field_names").unwrap();
    file.close().unwrap();

    let file = WellFile::open(&path).unwrap();
    let layout = file.layout();
    let names: Vec<_> = layout.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["tracer", "pressure", "velocity"]);
    let scalar = |name: &str, value| WellScalar { name: name.into(), values: vec![value] };
    assert_eq!(layout.scalars, [scalar("Rayleigh", 1e4), scalar("Schmidt", 0.2)]);
    assert_eq!(layout.axes[0].coordinates, [0.0, 0.5, 1.0]);
    assert_eq!(layout.axes[1].boundary, Boundary::Wall);
    assert_eq!(layout.times.len(), 3);
    assert_eq!(file.read("tracer", 1..2, 0..1).unwrap(), [2.0; 15]);
}
