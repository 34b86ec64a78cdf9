//! The description of a data set, as The Well keeps one beside its files.

use super::layout::{WellLayout, boundary_type};
use crate::systems::Rank;

/// The text of `<dataset>.yaml` for files of these outlines, which differ in their parameters and trajectories only.
///
/// # Panics
/// If there is no file.
pub(crate) fn description_yaml(files: &[WellLayout]) -> String {
    let first = &files[0];
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let per_file = |number: fn(&WellLayout) -> usize| list(files.iter().map(|f| number(f).to_string()).collect());
    let mut boundaries: Vec<_> = first.axes.iter().map(|a| boundary_type(a.boundary).to_owned()).collect();
    boundaries.dedup();
    let scalars = first.scalars.iter().map(|scalar| scalar.name.clone()).collect();
    let [nx, ny] = first.grid();

    let mut yaml = format!("dataset_name: {}\nn_spatial_dims: 2\nspatial_resolution: [{nx}, {ny}]\n", first.dataset);
    yaml += &format!("scalar_names: []\nconstant_scalar_names: {}\nfield_names:\n", list(scalars));
    for rank in Rank::ALL {
        let fields = first.fields.iter().filter(|f| f.rank == rank);
        let names = fields.flat_map(|f| rank.suffixes().iter().map(|suffix| format!("{}{suffix}", f.name)));
        yaml += &format!("  {}: {}\n", rank.order(), list(names.collect()));
    }
    yaml += "constant_field_names:\n  0: []\n  1: []\n  2: []\n";
    yaml += &format!("boundary_condition_types: {}\nn_files: {}\n", list(boundaries), files.len());
    yaml += &format!("n_trajectories_per_file: {}\n", per_file(|f| f.trajectories));
    yaml += &format!("n_steps_per_trajectory: {}\ngrid_type: cartesian\n", per_file(|f| f.times.len()));
    yaml
}
