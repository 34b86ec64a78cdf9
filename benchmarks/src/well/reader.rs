//! Reads files of The Well, generated or published.
//!
//! Every dataset's shape is checked against the outline, and every size before anything is allocated.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5::{Dataset, File};
use ndarray::IxDyn;

use super::checked_hdf5::CheckedHdf5;
use super::hdf5_error::Hdf5Context;
use super::hdf5_open;
use super::layout::{WellAxis, WellLayout, fields_group};
use crate::error::IoContext;
use crate::systems::{Boundary, Field, Rank};
use crate::{Error, Result};

/// An open file of The Well.
pub struct WellFile {
    path: PathBuf,
    layout: WellLayout,
    fields: Vec<Dataset>,
}

impl WellFile {
    /// Opens a file and checks its outline.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no such file, [`Error::Format`] if it is not one of The Well on a two-dimensional
    /// grid, with its first defect.
    pub fn open(path: &Path) -> Result<Self> {
        let mut problems = Problems::default();
        let file = Self::inspect(path, &mut problems);
        match (file, problems.0.into_iter().next()) {
            (Some((_, file)), None) => Ok(file),
            (_, Some(first)) => Err(first),
            (None, None) => Err(Error::format(path, "file", "an HDF5 file of The Well", "nothing that can be read")),
        }
    }

    /// Opens as much of a file as can be read, and adds everything else to `problems`.
    pub(crate) fn inspect(path: &Path, problems: &mut Problems) -> Option<(File, Self)> {
        let bytes = problems.keep(fs::metadata(path).at("read", path))?.len();
        let file = problems.keep(hdf5_open::open(path))?;
        let access = CheckedHdf5 { path, bytes };
        let read = outline(&access, &file, problems)?;
        Some((file, read))
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The outline.
    pub fn layout(&self) -> &WellLayout {
        &self.layout
    }

    /// Reads part of a field: `(trajectories, times, nx, ny, components)`, row-major. Only that part is in memory.
    ///
    /// # Errors
    /// [`Error::Request`] if there is no such field or part, [`Error::Hdf5`] if it cannot be read, [`Error::Format`] if
    /// it holds a value that is not finite.
    pub fn read(&self, field: &str, trajectories: Range<usize>, times: Range<usize>) -> Result<Vec<f32>> {
        let first = (trajectories.start, times.start);
        let frames = times.len();
        let values = self.read_any(field, trajectories, times)?;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let len = self.layout.fields.iter().find(|f| f.name == field).map_or(1, |f| self.layout.frame_len(f));
            let frame = at / len;
            let place = format!("{field}, trajectory {}, frame {}", first.0 + frame / frames, first.1 + frame % frames);
            return Err(Error::format(&self.path, place, "finite values", values[at].to_string()));
        }
        Ok(values)
    }

    /// [`read`](Self::read), with values that need not be finite.
    pub(crate) fn read_any(&self, field: &str, trajectories: Range<usize>, times: Range<usize>) -> Result<Vec<f32>> {
        let Some(index) = self.layout.fields.iter().position(|f| f.name == field) else {
            let known: Vec<_> = self.layout.fields.iter().map(|f| f.name.as_str()).collect();
            return Err(Error::request(
                &self.path,
                format!("there is no field {field}; there is {}", known.join(", ")),
            ));
        };
        let shape = self.layout.shape(&self.layout.fields[index]);
        for (name, range, length) in [("trajectories", &trajectories, shape[0]), ("times", &times, shape[1])] {
            if range.start > range.end || range.end > length {
                let reason = format!("cannot read {name} {}..{}: there are {length}", range.start, range.end);
                return Err(Error::request(&self.path, reason));
            }
        }
        if trajectories.is_empty() || times.is_empty() {
            return Ok(Vec::new());
        }
        let mut selection = vec![trajectories.into(), times.into()];
        selection.extend(shape[2..].iter().map(|&n| hdf5::SliceOrIndex::from(0..n)));
        let values = self.fields[index]
            .read_slice::<f32, _, IxDyn>(hdf5::Hyperslab::from(selection))
            .h5(&self.path, &format!("read field {field}"))?;
        Ok(values.into_raw_vec_and_offset().0)
    }

    /// A field's dataset.
    pub(crate) fn dataset(&self, field: usize) -> &Dataset {
        &self.fields[field]
    }
}

/// The defects of a file, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Problems(pub Vec<Error>);

impl Problems {
    /// The value; an error becomes a problem and `None`.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }
}

/// Reads and checks a file's outline. Fields that cannot be read are left out; without a grid there is nothing.
fn outline(access: &CheckedHdf5<'_>, file: &File, problems: &mut Problems) -> Option<WellFile> {
    let dimensions_in_space = problems.keep(access.integer(file, "", "n_spatial_dims"));
    if let Some(n) = dimensions_in_space.filter(|&n| n != 2) {
        problems.0.push(access.format("@n_spatial_dims", "2", n));
    }
    let trajectories = problems.keep(access.integer(file, "", "n_trajectories").and_then(|n| {
        let count = usize::try_from(n).ok().filter(|&n| n > 0);
        count.ok_or_else(|| access.format("@n_trajectories", "a count of 1 or more", n))
    }));
    let grid = grid(access, file, problems);
    let dataset = problems.keep(access.texts(file, "", "dataset_name"));
    let scalars = problems.keep(access.scalars(file));
    let fields: Vec<_> = Rank::ALL.into_iter().flat_map(|rank| listed(access, file, rank, problems)).collect();

    let (times, axes) = grid?;
    dimensions_in_space.filter(|&n| n == 2)?;
    let (dataset, scalars) = (dataset.unwrap_or_default().concat(), scalars.unwrap_or_default());
    if let Some(trajectories) = trajectories
        && let Some(scalar) = scalars.iter().find(|scalar| ![1, trajectories].contains(&scalar.values.len()))
    {
        let expected = format!("one value, or {trajectories}, one for each trajectory");
        problems.0.push(access.format(&format!("scalars/{}", scalar.name), expected, scalar.values.len()));
    }
    let mut layout = WellLayout { dataset, trajectories: trajectories?, times, axes, fields: Vec::new(), scalars };
    let mut datasets = Vec::new();
    for field in fields {
        if let Some(dataset) = problems.keep(access.field(file, &field, &layout)) {
            datasets.push(dataset);
            layout.fields.push(field);
        }
    }
    Some(WellFile { path: access.path.into(), layout, fields: datasets })
}

/// The times and the two axes.
fn grid(access: &CheckedHdf5<'_>, file: &File, problems: &mut Problems) -> Option<(Vec<f64>, [WellAxis; 2])> {
    let boundaries = problems.keep(access.boundaries(file)).unwrap_or_default();
    let dimensions = problems.keep(access.group(file, "dimensions"))?;
    let times = problems.keep(access.vector::<f64>(&dimensions, "dimensions", "time"));
    let names: [String; 2] =
        problems.keep(access.texts(&dimensions, "dimensions", "spatial_dims").and_then(|names| {
            names.try_into().map_err(|n| access.format("dimensions @spatial_dims", "two names", format!("{n:?}")))
        }))?;
    let axes = names.map(|name| {
        let coordinates = problems.keep(access.vector::<f32>(&dimensions, "dimensions", &name))?;
        // The Well's reader assumes that an axis without a condition is open.
        let boundary = boundaries.iter().find(|(axis, _)| *axis == name).map_or(Boundary::Open, |(_, b)| *b);
        Some(WellAxis { name, boundary, coordinates })
    });
    let [x, y] = axes;
    Some((times?, [x?, y?]))
}

/// The fields that a file lists under a rank.
fn listed(access: &CheckedHdf5<'_>, file: &File, rank: Rank, problems: &mut Problems) -> Vec<Field> {
    let place = fields_group(rank);
    let names = access.group(file, &place).and_then(|group| access.texts(&group, &place, "field_names"));
    let names = names.and_then(|names| match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
        Some((_, twice)) => Err(access.format(&format!("{place} @field_names"), "names that differ", twice)),
        None => Ok(names),
    });
    let names = problems.keep(names).unwrap_or_default();
    names.into_iter().map(|name| Field { name, rank }).collect()
}
