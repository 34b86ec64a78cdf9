//! Writes files of The Well that its own reader and format checker accept.

use std::path::{Path, PathBuf};

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, File, Group, H5Type, Location};
use ndarray::{ArrayView, IxDyn};

use super::hdf5_error::Hdf5Context;
use super::layout::{WellAxis, WellLayout, WellScalar, boundary_type, fields_group};
use crate::atomic_file::{folder_of, publish};
use crate::systems::Rank;
use crate::{Error, Result};

/// Writes one file, trajectory by trajectory. The file takes its name when [`finish`](Self::finish) has forced it to
/// the disk; until then it is `.NAME.unfinished` beside it. The same calls give the same bytes.
pub struct WellWriter {
    path: PathBuf,
    unfinished: PathBuf,
    layout: WellLayout,
    file: File,
    fields: Vec<Dataset>,
}

impl WellWriter {
    /// Creates a file. Fields are contiguous, or, with a `gzip` level from 1 to 9, chunked by frame and compressed.
    ///
    /// # Errors
    /// [`Error::Hdf5`] if the file cannot be created; [`Error::Request`] if the fields are not sorted by rank, or a scalar
    /// has neither one value nor one for each trajectory.
    pub fn create(path: &Path, layout: WellLayout, gzip: Option<u8>) -> Result<Self> {
        if !layout.fields.is_sorted_by_key(|field| field.rank) {
            let reason = "expected fields in the order scalars, vectors, tensors, as in the file";
            return Err(Error::request(path, reason));
        }
        let count = |scalar: &&WellScalar| ![1, layout.trajectories].contains(&scalar.values.len());
        if let Some(scalar) = layout.scalars.iter().find(count) {
            let (name, values, expected) = (&scalar.name, scalar.values.len(), layout.trajectories);
            let reason =
                format!("expected one value of {name}, or {expected}, one for each trajectory, but there are {values}");
            return Err(Error::request(path, reason));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = folder_of(path).join(format!(".{name}.unfinished"));
        let (file, fields) = outline(&unfinished, &layout, gzip).h5(path, "create the file")?;
        Ok(Self { path: path.into(), unfinished, layout, file, fields })
    }

    /// Writes the layout's field of index `field` for one trajectory; `values` is `(times, nx, ny, components)`,
    /// row-major.
    ///
    /// # Errors
    /// [`Error::Request`] if there is no such field or trajectory, or `values` has another length than its shape;
    /// [`Error::Hdf5`] if it cannot be written.
    pub fn write(&self, trajectory: usize, field: usize, values: &[f32]) -> Result<()> {
        let (Some(dataset), true) = (self.fields.get(field), trajectory < self.layout.trajectories) else {
            let (fields, trajectories) = (self.fields.len(), self.layout.trajectories);
            let reason = format!(
                "cannot write field {field} of trajectory {trajectory}: there are {fields} fields, {trajectories} trajectories"
            );
            return Err(Error::request(&self.path, reason));
        };
        let shape = self.layout.shape(&self.layout.fields[field]);
        let array = ArrayView::from_shape(IxDyn(&shape[1..]), values).map_err(|_| {
            let name = &self.layout.fields[field].name;
            let reason =
                format!("field {name} of one trajectory is {:?}, but {} values came", &shape[1..], values.len());
            Error::request(&self.path, reason)
        })?;
        let mut selection = vec![hdf5::SliceOrIndex::from(trajectory)];
        selection.extend(shape[1..].iter().map(|&n| hdf5::SliceOrIndex::from(0..n)));
        dataset.write_slice(array, hdf5::Hyperslab::from(selection)).h5(&self.path, "write a trajectory")
    }

    /// Closes the file and gives it its name.
    ///
    /// # Errors
    /// [`Error::Hdf5`] or [`Error::Io`] if the bytes cannot be forced to the disk.
    pub fn finish(self) -> Result<()> {
        let Self { path, unfinished, file, fields, .. } = self;
        drop(fields);
        file.close().h5(&path, "finish the file")?;
        publish(&unfinished, &path)
    }
}

/// Creates everything but the values.
fn outline(path: &Path, layout: &WellLayout, gzip: Option<u8>) -> hdf5::Result<(File, Vec<Dataset>)> {
    // Creation times would make two files of the same data differ. No lock: nobody else writes this file, and a child
    // process that is being started would hold a copy of the lock for a moment.
    let file = File::with_options()
        .with_fapl(|fapl| fapl.libver_v110().file_locking(false))
        .with_fcpl(|fcpl| fcpl.obj_track_times(false))
        .create(path)?;
    let group = |parent: &Group, name: &str| parent.create_group_builder().obj_track_times(false).create(name);
    let names: Vec<&str> = layout.scalars.iter().map(|scalar| scalar.name.as_str()).collect();
    // The Well keeps what all trajectories share among the attributes, too.
    let shared = || layout.scalars.iter().filter(|scalar| scalar.values.len() == 1);

    text(&file, "dataset_name", &layout.dataset)?;
    text(&file, "grid_type", "cartesian")?;
    value(&file, "n_spatial_dims", 2_i64)?;
    value(&file, "n_trajectories", layout.trajectories as i64)?;
    texts(&file, "simulation_parameters", &shared().map(|scalar| scalar.name.as_str()).collect::<Vec<_>>())?;
    for scalar in shared() {
        value(&file, &scalar.name, scalar.values[0])?;
    }

    let dimensions = group(&file, "dimensions")?;
    texts(&dimensions, "spatial_dims", &layout.axes.each_ref().map(|a| a.name.as_str()))?;
    varying(&data(&dimensions, "time", &layout.times)?, false, true)?;
    for axis in &layout.axes {
        varying(&data(&dimensions, &axis.name, &axis.coordinates)?, false, false)?;
    }

    let boundaries = group(&file, "boundary_conditions")?;
    for axis in &layout.axes {
        boundary(&group(&boundaries, &boundary_name(axis))?, axis)?;
    }

    let scalars = group(&file, "scalars")?;
    texts(&scalars, "field_names", &names)?;
    for scalar in &layout.scalars {
        let values: Vec<f32> = scalar.values.iter().map(|&value| value as f32).collect();
        let dataset = match values.as_slice() {
            [value] => {
                let dataset = scalars.new_dataset::<f32>().obj_track_times(false).create(scalar.name.as_str())?;
                dataset.write_scalar(value)?;
                dataset
            }
            _ => data(&scalars, &scalar.name, &values)?,
        };
        varying(&dataset, values.len() > 1, false)?;
    }

    let mut fields = Vec::with_capacity(layout.fields.len());
    for rank in Rank::ALL {
        let members = group(&file, &fields_group(rank))?;
        let of_rank = || layout.fields.iter().filter(|f| f.rank == rank);
        texts(&members, "field_names", &of_rank().map(|f| f.name.as_str()).collect::<Vec<_>>())?;
        for field in of_rank() {
            let shape = layout.shape(field);
            let mut builder = members.new_dataset::<f32>().obj_track_times(false);
            if let Some(level) = gzip {
                let chunk: Vec<usize> = [1, 1].iter().chain(&shape[2..]).copied().collect();
                builder = builder.chunk(chunk).shuffle().deflate(level);
            }
            let dataset = builder.shape(shape).create(field.name.as_str())?;
            value(&dataset, "sample_varying", true)?;
            value(&dataset, "time_varying", true)?;
            dataset.new_attr_builder().with_data(&[true, true]).create("dim_varying")?;
            if rank == Rank::Tensor {
                value(&dataset, "symmetric", false)?;
                value(&dataset, "antisymmetric", false)?;
            }
            fields.push(dataset);
        }
    }
    Ok((file, fields))
}

fn boundary_name(axis: &WellAxis) -> String {
    format!("{}_{}", axis.name, boundary_type(axis.boundary).to_lowercase())
}

fn boundary(group: &Group, axis: &WellAxis) -> hdf5::Result<()> {
    text(group, "bc_type", boundary_type(axis.boundary))?;
    texts(group, "associated_dims", &[&axis.name])?;
    texts(group, "associated_fields", &[])?;
    value(group, "sample_varying", false)?;
    value(group, "time_varying", false)?;
    let last = axis.coordinates.len() - 1;
    let ends: Vec<bool> = (0..=last).map(|j| j == 0 || j == last).collect();
    data(group, "mask", &ends)?;
    Ok(())
}

/// The two flags that every dimension and scalar carries.
fn varying(dataset: &Dataset, by_trajectory: bool, in_time: bool) -> hdf5::Result<()> {
    value(dataset, "sample_varying", by_trajectory)?;
    value(dataset, "time_varying", in_time)
}

fn data<T: H5Type>(group: &Group, name: &str, values: &[T]) -> hdf5::Result<Dataset> {
    group.new_dataset_builder().obj_track_times(false).with_data(values).create(name)
}

fn value<T: H5Type>(location: &Location, name: &str, value: T) -> hdf5::Result<()> {
    location.new_attr::<T>().create(name)?.write_scalar(&value)
}

fn text(location: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    value(location, name, unicode(text)?)
}

fn texts(location: &Location, name: &str, texts: &[&str]) -> hdf5::Result<()> {
    let texts = texts.iter().map(|t| unicode(t)).collect::<hdf5::Result<Vec<_>>>()?;
    location.new_attr_builder().with_data(&texts).create(name)?;
    Ok(())
}

/// The Well's reader takes variable-length strings only.
fn unicode(text: &str) -> hdf5::Result<VarLenUnicode> {
    text.parse().map_err(|e| hdf5::Error::from(format!("{text:?} is not a string HDF5 can hold: {e}")))
}
