//! A file of The Well whose attributes hold something else than they should.

use std::{fs, path::Path, str::FromStr};

use hdf5::{File, Location, types::VarLenUnicode};
use physrep_benchmarks::{
    systems::{Boundary, Field, Rank},
    well::{WellAxis, WellFile, WellLayout, WellScalar, WellWriter},
};

/// Objects with attributes, and what these are called.
const ATTRIBUTES: [(&str, &str); 12] = [
    ("/", "dataset_name"),
    ("/", "grid_type"),
    ("/", "n_spatial_dims"),
    ("/", "n_trajectories"),
    ("/", "simulation_parameters"),
    ("dimensions", "spatial_dims"),
    ("dimensions/x", "sample_varying"),
    ("boundary_conditions/x_periodic", "bc_type"),
    ("t0_fields", "field_names"),
    ("t0_fields/height", "dim_varying"),
    ("t1_fields", "field_names"),
    ("scalars", "field_names"),
];

/// Opens a file some of whose attributes were replaced as `bytes` say: which one, by what kind of value, and the value.
pub fn hdf5_attributes(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("fuzzed.hdf5");
    write_valid(&path);
    {
        let file = File::open_rw(&path).expect("the file was just written");
        for change in bytes.chunks(16) {
            let (object, name) = ATTRIBUTES[usize::from(change[0]) % ATTRIBUTES.len()];
            let location: Option<Location> = match object {
                "/" => file.as_group().ok().map(|group| (*group).clone()),
                _ => file
                    .group(object)
                    .map(|group| (*group).clone())
                    .or_else(|_| file.dataset(object).map(|dataset| (**dataset).clone()))
                    .ok(),
            };
            if let Some(location) = location {
                replace(
                    &location,
                    name,
                    change.get(1).copied().unwrap_or_default(),
                    change.get(2..).unwrap_or_default(),
                );
            }
        }
    }
    let _ = WellFile::open(&path);
    let _ = fs::remove_file(&path);
}

/// Replaces an attribute by nothing, text, integers or a number. That HDF5 refuses is no concern here.
fn replace(location: &Location, name: &str, kind: u8, value: &[u8]) {
    let _ = location.delete_attr(name);
    match kind % 4 {
        0 => {}
        1 => {
            let text = String::from_utf8_lossy(value).replace('\0', " ");
            if let Ok(text) = VarLenUnicode::from_str(&text) {
                let _ = location.new_attr::<VarLenUnicode>().create(name).and_then(|attr| attr.write_scalar(&text));
            }
        }
        2 => {
            let values: Vec<i64> = value.iter().map(|&byte| i64::from(byte) - 128).collect();
            let _ = location.new_attr::<i64>().shape(values.len()).create(name).and_then(|attr| attr.write(&values));
        }
        _ => {
            let mut bits = [0; 8];
            bits.iter_mut().zip(value).for_each(|(bits, &byte)| *bits = byte);
            let number = f64::from_le_bytes(bits);
            let _ = location.new_attr::<f64>().create(name).and_then(|attr| attr.write_scalar(&number));
        }
    }
}

fn write_valid(path: &Path) {
    let axis = |name: &str, boundary| WellAxis { name: name.into(), boundary, coordinates: vec![0.0, 0.5] };
    let layout = WellLayout {
        dataset: "waves".into(),
        trajectories: 1,
        times: vec![0.0, 1.0],
        axes: [axis("x", Boundary::Periodic), axis("y", Boundary::Wall)],
        fields: vec![Field::new("height", Rank::Scalar), Field::new("velocity", Rank::Vector)],
        scalars: vec![WellScalar { name: "number".into(), values: vec![2.0] }],
    };
    let mut writer = WellWriter::create(path, layout, None).expect("a file");
    writer.write(0, 0, &[1.0; 8]).expect("a scalar field");
    writer.write(0, 1, &[1.0; 16]).expect("a vector field");
    writer.finish().expect("a whole file");
}
