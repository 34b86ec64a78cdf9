//! Everything of a file but the values of its fields: written, or compared with what a file holds.

use std::fmt::Debug;

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, File, Group, H5Type, Location, Result};

use super::layout::{WellAxis, WellLayout, boundary_type, fields_group};
use crate::systems::Rank;

/// What is done with a file.
#[derive(Clone, Copy)]
pub(super) enum Pass {
    /// Everything is created. Fields are contiguous, or, with a `gzip` level, chunked by frame and compressed.
    Write {
        /// The level, from 1 to 9.
        gzip: Option<u8>,
    },
    /// Everything is read, and anything else than what [`Pass::Write`] has written is an error.
    Compare,
}

/// The datasets of a file. They stay open until the file is flushed, because errors at the end of one are lost.
pub(super) struct Outline {
    /// In the order of the layout.
    pub fields: Vec<Dataset>,
    _others: Vec<Dataset>,
}

impl Pass {
    /// Writes the outline into a new file, or compares a file with it.
    pub fn run(self, file: &File, layout: &WellLayout) -> Result<Outline> {
        let mut others = Vec::new();
        let names: Vec<&str> = layout.scalars.iter().map(|scalar| scalar.name.as_str()).collect();
        // The Well keeps what all trajectories share among the attributes, too.
        let shared = || layout.scalars.iter().filter(|scalar| scalar.values.len() == 1);

        self.text(file, "dataset_name", &layout.dataset)?;
        self.text(file, "grid_type", "cartesian")?;
        self.value(file, "n_spatial_dims", 2_i64)?;
        self.value(file, "n_trajectories", layout.trajectories as i64)?;
        self.texts(file, "simulation_parameters", &shared().map(|scalar| scalar.name.as_str()).collect::<Vec<_>>())?;
        for scalar in shared() {
            self.value(file, &scalar.name, scalar.values[0])?;
        }

        let dimensions = self.group(file, "dimensions")?;
        self.texts(&dimensions, "spatial_dims", &layout.axes.each_ref().map(|a| a.name.as_str()))?;
        others.push(self.dimension(&dimensions, "time", &layout.times, false, true)?);
        for axis in &layout.axes {
            others.push(self.dimension(&dimensions, &axis.name, &axis.coordinates, false, false)?);
        }

        let boundaries = self.group(file, "boundary_conditions")?;
        for axis in &layout.axes {
            others.push(self.boundary(&boundaries, axis)?);
        }

        let scalars = self.group(file, "scalars")?;
        self.texts(&scalars, "field_names", &names)?;
        for scalar in &layout.scalars {
            let values: Vec<f32> = scalar.values.iter().map(|&value| value as f32).collect();
            others.push(match values.as_slice() {
                [value] => self.scalar(&scalars, &scalar.name, *value)?,
                _ => self.dimension(&scalars, &scalar.name, &values, true, false)?,
            });
        }

        let mut fields = Vec::with_capacity(layout.fields.len());
        for rank in Rank::ALL {
            let members = self.group(file, &fields_group(rank))?;
            let of_rank = || layout.fields.iter().filter(|f| f.rank == rank);
            self.texts(&members, "field_names", &of_rank().map(|f| f.name.as_str()).collect::<Vec<_>>())?;
            for field in of_rank() {
                let dataset = self.field(&members, &field.name, &layout.shape(field))?;
                self.varying(&dataset, true, true)?;
                self.values(&dataset, "dim_varying", &[true, true])?;
                if rank == Rank::Tensor {
                    self.value(&dataset, "symmetric", false)?;
                    self.value(&dataset, "antisymmetric", false)?;
                }
                fields.push(dataset);
            }
        }
        Ok(Outline { fields, _others: others })
    }

    fn boundary(self, boundaries: &Group, axis: &WellAxis) -> Result<Dataset> {
        let kind = boundary_type(axis.boundary);
        let group = self.group(boundaries, &format!("{}_{}", axis.name, kind.to_lowercase()))?;
        self.text(&group, "bc_type", kind)?;
        self.texts(&group, "associated_dims", &[&axis.name])?;
        self.texts(&group, "associated_fields", &[])?;
        self.varying(&group, false, false)?;
        let last = axis.coordinates.len() - 1;
        let ends: Vec<bool> = (0..=last).map(|j| j == 0 || j == last).collect();
        self.data(&group, "mask", &ends)
    }

    /// A dataset of one value, without a shape.
    fn scalar(self, group: &Group, name: &str, value: f32) -> Result<Dataset> {
        let dataset = match self {
            Self::Write { .. } => {
                let dataset = group.new_dataset::<f32>().obj_track_times(false).create(name)?;
                dataset.write_scalar(&value)?;
                dataset
            }
            Self::Compare => {
                let dataset = group.dataset(name)?;
                same(name, &dataset.read_scalar::<f32>()?, &value)?;
                dataset
            }
        };
        self.varying(&dataset, false, false)?;
        Ok(dataset)
    }

    fn dimension<T>(
        self,
        group: &Group,
        name: &str,
        values: &[T],
        by_trajectory: bool,
        in_time: bool,
    ) -> Result<Dataset>
    where
        T: H5Type + PartialEq + Debug,
    {
        let dataset = self.data(group, name, values)?;
        self.varying(&dataset, by_trajectory, in_time)?;
        Ok(dataset)
    }

    /// The two flags that every dimension, scalar and field carries.
    fn varying(self, location: &Location, by_trajectory: bool, in_time: bool) -> Result<()> {
        self.value(location, "sample_varying", by_trajectory)?;
        self.value(location, "time_varying", in_time)
    }

    fn group(self, parent: &Group, name: &str) -> Result<Group> {
        match self {
            Self::Write { .. } => parent.create_group_builder().obj_track_times(false).create(name),
            Self::Compare => parent.group(name),
        }
    }

    fn data<T: H5Type + PartialEq + Debug>(self, group: &Group, name: &str, values: &[T]) -> Result<Dataset> {
        match self {
            Self::Write { .. } => group.new_dataset_builder().obj_track_times(false).with_data(values).create(name),
            Self::Compare => {
                let dataset = group.dataset(name)?;
                same(name, dataset.read_raw::<T>()?.as_slice(), values)?;
                Ok(dataset)
            }
        }
    }

    /// A field's dataset, without its values.
    fn field(self, group: &Group, name: &str, shape: &[usize]) -> Result<Dataset> {
        let Self::Write { gzip } = self else {
            let dataset = group.dataset(name)?;
            same(name, dataset.shape().as_slice(), shape)?;
            return Ok(dataset);
        };
        let mut builder = group.new_dataset::<f32>().obj_track_times(false);
        if let Some(level) = gzip {
            let chunk: Vec<usize> = [1, 1].iter().chain(&shape[2..]).copied().collect();
            builder = builder.chunk(chunk).shuffle().deflate(level);
        }
        builder.shape(shape).create(name)
    }

    fn value<T: H5Type + PartialEq + Debug>(self, location: &Location, name: &str, value: T) -> Result<()> {
        match self {
            Self::Write { .. } => location.new_attr::<T>().create(name)?.write_scalar(&value),
            Self::Compare => same(name, &location.attr(name)?.read_scalar::<T>()?, &value),
        }
    }

    fn values<T: H5Type + PartialEq + Debug>(self, location: &Location, name: &str, values: &[T]) -> Result<()> {
        match self {
            Self::Write { .. } => location.new_attr_builder().with_data(values).create(name).map(drop),
            Self::Compare => same(name, location.attr(name)?.read_raw::<T>()?.as_slice(), values),
        }
    }

    fn text(self, location: &Location, name: &str, text: &str) -> Result<()> {
        self.value(location, name, unicode(text)?)
    }

    fn texts(self, location: &Location, name: &str, texts: &[&str]) -> Result<()> {
        let texts = texts.iter().map(|text| unicode(text)).collect::<Result<Vec<_>>>()?;
        self.values(location, name, &texts)
    }
}

fn same<T: PartialEq + Debug + ?Sized>(name: &str, found: &T, written: &T) -> Result<()> {
    if found == written {
        return Ok(());
    }
    Err(format!("{name} is {found:.200?} instead of {written:.200?}").into())
}

/// The Well's reader takes variable-length strings only.
fn unicode(text: &str) -> Result<VarLenUnicode> {
    text.parse().map_err(|e| hdf5::Error::from(format!("{text:?} is not a string HDF5 can hold: {e}")))
}
