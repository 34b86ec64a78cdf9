//! Writes files of The Well that its own reader and format checker accept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hdf5::{File, Hyperslab, SliceOrIndex};
use ndarray::{ArrayView, IxDyn};
use tempfile::TempPath;

use super::hdf5_error::Hdf5Context;
use super::layout::{WellLayout, WellScalar};
use super::outline::{Outline, Pass};
use crate::atomic_file::{folder_of, publish};
use crate::error::IoContext;
use crate::{Error, Result};

/// Writes one file, trajectory by trajectory. The file takes its name when [`finish`](Self::finish) has compared it with
/// what was written and forced it to the disk; until then it is `.NAME.unfinished` beside it, which is removed if there
/// is an error. The same calls give the same bytes.
pub struct WellWriter {
    path: PathBuf,
    unfinished: TempPath,
    layout: WellLayout,
    file: File,
    outline: Outline,
    /// BLAKE3 of the values of each trajectory and field.
    written: BTreeMap<(usize, usize), blake3::Hash>,
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
        let unfinished = TempPath::try_from_path(unfinished).at("create", path)?;
        let created = create(&unfinished).and_then(|file| Ok((Pass::Write { gzip }.run(&file, &layout)?, file)));
        let (outline, file) = created.h5(path, "create the file")?;
        Ok(Self { path: path.into(), unfinished, layout, file, outline, written: BTreeMap::new() })
    }

    /// Writes the layout's field of index `field` for one trajectory; `values` is `(times, nx, ny, components)`,
    /// row-major.
    ///
    /// # Errors
    /// [`Error::Request`] if there is no such field or trajectory, or `values` has another length than its shape;
    /// [`Error::Hdf5`] if it cannot be written.
    pub fn write(&mut self, trajectory: usize, field: usize, values: &[f32]) -> Result<()> {
        let (Some(dataset), true) = (self.outline.fields.get(field), trajectory < self.layout.trajectories) else {
            let (fields, trajectories) = (self.outline.fields.len(), self.layout.trajectories);
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
        dataset.write_slice(array, part(trajectory, &shape)).h5(&self.path, "write a trajectory")?;
        self.written.insert((trajectory, field), hash(values));
        Ok(())
    }

    /// Closes the file, compares it with what was written, and gives it its name.
    ///
    /// # Errors
    /// [`Error::Hdf5`] or [`Error::Io`] if the file does not hold what was written, or its bytes cannot be forced to the
    /// disk.
    pub fn finish(self) -> Result<()> {
        let Self { path, unfinished, layout, file, outline, written } = self;
        file.flush().h5(&path, "write the file")?;
        drop(outline);
        file.close().h5(&path, "write the file")?;
        compare(&unfinished, &layout, &written).h5(&path, "read what was written to it")?;
        publish(&unfinished, &path)
    }
}

/// Creates a file without content.
fn create(path: &Path) -> hdf5::Result<File> {
    // Creation times would make two files of the same data differ. No lock: nobody else writes this file, and a child
    // process that is being started would hold a copy of the lock for a moment.
    File::with_options()
        .with_fapl(|fapl| fapl.libver_v110().file_locking(false))
        .with_fcpl(|fcpl| fcpl.obj_track_times(false))
        .create(path)
}

/// Whether a file holds what was written to it: the library does not report each write that fails.
fn compare(path: &Path, layout: &WellLayout, written: &BTreeMap<(usize, usize), blake3::Hash>) -> hdf5::Result<()> {
    let file = File::with_options().with_fapl(|fapl| fapl.file_locking(false)).open(path)?;
    let outline = Pass::Compare.run(&file, layout)?;
    for (&(trajectory, field), expected) in written {
        let shape = layout.shape(&layout.fields[field]);
        let values = outline.fields[field].read_slice::<f32, _, IxDyn>(part(trajectory, &shape))?;
        if values.as_slice().map(hash) != Some(*expected) {
            let name = &layout.fields[field].name;
            return Err(format!("{name} of trajectory {trajectory} has other values than were written").into());
        }
    }
    Ok(())
}

/// One trajectory of a field of this shape.
fn part(trajectory: usize, shape: &[usize]) -> Hyperslab {
    let whole = shape[1..].iter().map(|&n| SliceOrIndex::from(0..n));
    Hyperslab::from([SliceOrIndex::from(trajectory)].into_iter().chain(whole).collect::<Vec<_>>())
}

fn hash(values: &[f32]) -> blake3::Hash {
    blake3::hash(bytemuck::cast_slice(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::{Boundary, Field, Rank};
    use crate::well::WellAxis;

    /// The HDF5 library loses errors at the end of small datasets, and the file then has zeros there.
    #[test]
    fn a_file_without_what_was_written_to_it_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.hdf5");
        let axis = |name: &str| WellAxis { name: name.into(), boundary: Boundary::Wall, coordinates: vec![1.0, 2.0] };
        let scalar = |name: &str, values: &[f64]| WellScalar { name: name.into(), values: values.into() };
        let layout = WellLayout {
            dataset: "waves".into(),
            trajectories: 2,
            times: vec![1.0, 2.0],
            axes: [axis("x"), axis("y")],
            fields: vec![Field { name: "height".into(), rank: Rank::Scalar }],
            scalars: vec![scalar("depth", &[3.0]), scalar("speed", &[3.0, 4.0])],
        };
        let mut writer = WellWriter::create(&path, layout.clone(), None).unwrap();
        writer.write(0, 0, &[1.0; 8]).unwrap();
        writer.write(1, 0, &[2.0; 8]).unwrap();
        let written = writer.written.clone();
        writer.finish().unwrap();
        compare(&path, &layout, &written).unwrap();

        let whole = std::fs::read(&path).unwrap();
        let places = [
            ("dimensions/time", "time"),
            ("dimensions/x", "x"),
            ("dimensions/y", "y"),
            ("boundary_conditions/x_wall/mask", "mask"),
            ("scalars/depth", "depth"),
            ("scalars/speed", "speed"),
            ("t0_fields/height", "height"),
        ];
        for (place, name) in places {
            std::fs::write(&path, &whole).unwrap();
            let file = File::open_rw(&path).unwrap();
            let dataset = file.dataset(place).unwrap();
            match name {
                "mask" => dataset.write_raw(&vec![false; dataset.size()]).unwrap(),
                "depth" => dataset.write_scalar(&0.0_f32).unwrap(),
                "time" => dataset.write(&ndarray::Array1::<f64>::zeros(2)).unwrap(),
                _ => dataset.write(&ndarray::ArrayD::<f32>::zeros(dataset.shape())).unwrap(),
            }
            drop(dataset);
            file.close().unwrap();
            let error = compare(&path, &layout, &written).unwrap_err().to_string();
            assert!(error.starts_with(name), "{place}: {error}");
        }
    }
}
