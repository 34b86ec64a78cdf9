//! Reads files of The Well, generated or published, whoever wrote them.
//!
//! A file's claims are checked before anything is allocated: every dataset's shape against the outline, and its size
//! against the bytes that the file really has. Below that, the HDF5 library is trusted; its version 2.2.0 can loop for ever in
//! a damaged heap of strings.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5::plist::dataset_create::Layout as Storage;
use hdf5::types::{FloatSize, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Attribute, Container, Dataset, File, Group, H5Type, Location};
use ndarray::IxDyn;

use super::Hdf5Context;
use super::schema::{GridAxis, Layout, boundary_type};
use crate::error::IoContext;
use crate::system::{Boundary, Field, Rank};
use crate::{Error, Result};

/// The most entries that a list among the attributes may have; real files have a handful.
const LONGEST_LIST: usize = 1024;

/// The best that deflate can do, in bytes out for a byte in: what a compressed dataset may claim over its file's size.
const DEFLATE_LIMIT: u64 = 1032;

/// An open file of The Well.
pub struct WellFile {
    path: PathBuf,
    layout: Layout,
    fields: Vec<Dataset>,
}

impl WellFile {
    /// Opens a file and checks its outline.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no such file, [`Error::Format`] if it is not one of The Well on a two-dimensional grid,
    /// with the first thing that is amiss.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = fs::metadata(path).at("read", path)?.len();
        let file = File::open(path)
            .map_err(|e| Error::format(path, "file", "an HDF5 file of The Well", e.to_string().replace('\n', " ")))?;
        Checker { path, bytes }.open(&file)
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The outline.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Reads part of a field: `(trajectories, times, nx, ny, components)`, row-major. Only that part is in memory.
    ///
    /// # Errors
    /// [`Error::Request`] if there is no such field or part, [`Error::Hdf5`] if it cannot be read, [`Error::Format`] if
    /// it holds a value that is not finite.
    pub fn read(&self, field: &str, trajectories: Range<usize>, times: Range<usize>) -> Result<Vec<f32>> {
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
                let reason = format!("{name} {}..{} were asked of {length}", range.start, range.end);
                return Err(Error::request(&self.path, reason));
            }
        }
        if trajectories.is_empty() || times.is_empty() {
            return Ok(Vec::new());
        }
        let first = (trajectories.start, times.start);
        let frames = times.len();
        let mut selection = vec![trajectories.into(), times.into()];
        selection.extend(shape[2..].iter().map(|&n| hdf5::SliceOrIndex::from(0..n)));
        let values = self.fields[index]
            .read_slice::<f32, _, IxDyn>(hdf5::Hyperslab::from(selection))
            .h5(&self.path, &format!("read field {field}"))?
            .into_raw_vec_and_offset()
            .0;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let frame = at / self.layout.frame_len(&self.layout.fields[index]);
            let place = format!("{field}, trajectory {}, frame {}", first.0 + frame / frames, first.1 + frame % frames);
            return Err(Error::format(&self.path, place, "finite values", values[at].to_string()));
        }
        Ok(values)
    }
}

/// Reads and checks the outline of one file.
struct Checker<'a> {
    path: &'a Path,
    bytes: u64,
}

impl Checker<'_> {
    fn open(&self, file: &File) -> Result<WellFile> {
        let dims = self.integer(file, "", "n_spatial_dims")?;
        if dims != 2 {
            return Err(self.format("@n_spatial_dims", "2", dims));
        }
        let trajectories = self.integer(file, "", "n_trajectories")?;
        let trajectories =
            usize::try_from(trajectories).map_err(|_| self.format("@n_trajectories", "a count", trajectories))?;

        let dimensions = self.group(file, "dimensions")?;
        let names = self.texts(&dimensions, "dimensions", "spatial_dims")?;
        let names: [String; 2] =
            names.try_into().map_err(|n| self.format("dimensions @spatial_dims", "two names", format!("{n:?}")))?;
        let times = self.vector::<f64>(&dimensions, "dimensions", "time")?;
        let boundaries = self.boundaries(file)?;
        let mut axes = Vec::new();
        for name in names {
            let coordinates = self.vector::<f32>(&dimensions, "dimensions", &name)?;
            // The Well's reader takes an axis without a condition for an open one.
            let boundary = boundaries.iter().find(|(axis, _)| *axis == name).map_or(Boundary::Open, |(_, b)| *b);
            axes.push(GridAxis { name, boundary, coordinates });
        }

        let mut layout = Layout {
            dataset: self.texts(file, "", "dataset_name")?.concat(),
            trajectories,
            times,
            axes: axes.try_into().expect("one axis for each of two names"),
            fields: Vec::new(),
            scalars: self.scalars(file)?,
        };
        let mut fields = Vec::new();
        for rank in Rank::ALL {
            let group_name = format!("t{}_fields", rank.order());
            let group = self.group(file, &group_name)?;
            for name in self.texts(&group, &group_name, "field_names")? {
                let field = Field { name, rank };
                fields.push(self.field(&group, &group_name, &field, &layout)?);
                layout.fields.push(field);
            }
        }
        Ok(WellFile { path: self.path.into(), layout, fields })
    }

    fn field(&self, group: &Group, group_name: &str, field: &Field, layout: &Layout) -> Result<Dataset> {
        let place = format!("{group_name}/{}", field.name);
        let dataset = self.dataset(group, group_name, &field.name)?;
        let (shape, expected) = (dataset.shape(), layout.shape(field));
        if shape != expected {
            return Err(self.format(
                &place,
                format!("shape {expected:?} (trajectories, times, x, y, components)"),
                format!("{shape:?}"),
            ));
        }
        self.float(&dataset, &place)?;
        self.stored(&dataset, &place)?;
        Ok(dataset)
    }

    /// The boundary condition of each axis that has one.
    fn boundaries(&self, file: &File) -> Result<Vec<(String, Boundary)>> {
        let group = self.group(file, "boundary_conditions")?;
        let mut found = Vec::new();
        for name in group.member_names().h5(self.path, "list boundary_conditions")? {
            let place = format!("boundary_conditions/{name}");
            let condition = group.group(&name).map_err(|_| self.format(&place, "a group", "something else"))?;
            let kind = self.texts(&condition, &place, "bc_type")?.concat();
            let boundary = [Boundary::Periodic, Boundary::Wall, Boundary::Open]
                .into_iter()
                .find(|b| boundary_type(*b).eq_ignore_ascii_case(&kind))
                .ok_or_else(|| self.format(&format!("{place} @bc_type"), "PERIODIC, WALL or OPEN", &kind))?;
            for axis in self.texts(&condition, &place, "associated_dims")? {
                found.push((axis, boundary));
            }
        }
        Ok(found)
    }

    fn scalars(&self, file: &File) -> Result<Vec<(String, f64)>> {
        let group = self.group(file, "scalars")?;
        let mut scalars = Vec::new();
        for name in self.texts(&group, "scalars", "field_names")? {
            let place = format!("scalars/{name}");
            let dataset = self.dataset(&group, "scalars", &name)?;
            if dataset.size() != 1 {
                return Err(self.format(
                    &place,
                    "one value, of shape () or (1)",
                    format!("shape {:?}", dataset.shape()),
                ));
            }
            self.float(&dataset, &place)?;
            self.stored(&dataset, &place)?;
            let value = dataset.read_raw::<f64>().h5(self.path, &format!("read {place}"))?[0];
            scalars.push((name, value));
        }
        Ok(scalars)
    }

    fn group(&self, file: &File, name: &str) -> Result<Group> {
        file.group(name).map_err(|_| self.format(name, "a group", "nothing of this name"))
    }

    fn dataset(&self, group: &Group, group_name: &str, name: &str) -> Result<Dataset> {
        group
            .dataset(name)
            .map_err(|_| self.format(&format!("{group_name}/{name}"), "a dataset", "nothing of this name"))
    }

    /// All of a one-dimensional dataset of finite numbers.
    fn vector<T: H5Type + Into<f64> + Copy>(&self, group: &Group, group_name: &str, name: &str) -> Result<Vec<T>> {
        let place = format!("{group_name}/{name}");
        let dataset = self.dataset(group, group_name, name)?;
        let shape = dataset.shape();
        if shape.len() != 1 || shape[0] == 0 {
            return Err(self.format(&place, "a list of numbers", format!("shape {shape:?}")));
        }
        self.float(&dataset, &place)?;
        self.stored(&dataset, &place)?;
        let values = dataset.read_raw::<T>().h5(self.path, &format!("read {place}"))?;
        match values.iter().find(|v| !(**v).into().is_finite()) {
            Some(&v) => Err(self.format(&place, "finite values", v.into())),
            None => Ok(values),
        }
    }

    /// Refuses anything but 32- and 64-bit floating point.
    fn float(&self, dataset: &Dataset, place: &str) -> Result<()> {
        match self.descriptor(dataset, place)? {
            TypeDescriptor::Float(FloatSize::U4 | FloatSize::U8) => Ok(()),
            other => Err(self.format(place, "float32 or float64", other)),
        }
    }

    fn descriptor(&self, object: &Container, place: &str) -> Result<TypeDescriptor> {
        object
            .dtype()
            .and_then(|t| t.to_descriptor())
            .map_err(|e| self.format(place, "a type of The Well", format!("one that HDF5 cannot describe ({e})")))
    }

    /// Refuses a dataset whose values are not all in this file: elsewhere, never written, or more than the file can hold.
    fn stored(&self, dataset: &Dataset, place: &str) -> Result<()> {
        let properties = dataset.dcpl().h5(self.path, &format!("read the layout of {place}"))?;
        if dataset.layout() == Storage::Virtual || !properties.external().is_empty() {
            return Err(self.format(place, "values in this file", "a reference to other files"));
        }
        let element = self.descriptor(dataset, place)?.size();
        let claimed = dataset.shape().iter().try_fold(element as u64, |n, &d| n.checked_mul(d as u64));
        let holds = match (dataset.filters().is_empty(), dataset.chunk()) {
            (true, _) => dataset.storage_size().min(self.bytes),
            (false, chunk) => {
                let chunk = chunk.unwrap_or_default();
                let chunks =
                    dataset.shape().iter().zip(&chunk).try_fold(1usize, |n, (d, c)| n.checked_mul(d.div_ceil(*c)));
                if dataset.num_chunks() == chunks { self.bytes.saturating_mul(DEFLATE_LIMIT) } else { 0 }
            }
        };
        match claimed {
            Some(claimed) if claimed <= holds => Ok(()),
            _ => {
                let claim = claimed.map_or("more than 2^64 bytes".into(), |n| format!("{n} bytes"));
                let found = format!("a file of {} bytes that does not hold them", self.bytes);
                Err(self.format(place, format!("the {claim} of shape {:?}", dataset.shape()), found))
            }
        }
    }

    fn attribute(&self, location: &Location, place: &str, name: &str) -> Result<(Attribute, String)> {
        let place = format!("{place} @{name}").trim_start().to_owned();
        let attribute = location.attr(name).map_err(|_| self.format(&place, "an attribute", "nothing of this name"))?;
        if attribute.ndim() > 1 || attribute.size() > LONGEST_LIST {
            return Err(self.format(&place, "a value or a short list", format!("shape {:?}", attribute.shape())));
        }
        Ok((attribute, place))
    }

    fn integer(&self, location: &Location, place: &str, name: &str) -> Result<i64> {
        let (attribute, place) = self.attribute(location, place, name)?;
        let kind = self.descriptor(&attribute, &place)?;
        let number = matches!(kind, TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_));
        if !number || attribute.size() != 1 {
            return Err(self.format(&place, "one integer", format!("{} of {kind}", attribute.size())));
        }
        Ok(attribute.read_raw::<i64>().h5(self.path, &format!("read {place}"))?[0])
    }

    /// A list of strings, or a single one as a list of one.
    fn texts(&self, location: &Location, place: &str, name: &str) -> Result<Vec<String>> {
        let (attribute, place) = self.attribute(location, place, name)?;
        // An empty list has no strings to tell its type by; h5py stores it as numbers.
        if attribute.size() == 0 {
            return Ok(Vec::new());
        }
        let action = format!("read {place}");
        match self.descriptor(&attribute, &place)? {
            TypeDescriptor::VarLenUnicode => {
                let texts = attribute.read_raw::<VarLenUnicode>().h5(self.path, &action)?;
                Ok(texts.iter().map(|t| t.to_string()).collect())
            }
            TypeDescriptor::VarLenAscii => {
                let texts = attribute.read_raw::<VarLenAscii>().h5(self.path, &action)?;
                Ok(texts.iter().map(|t| t.to_string()).collect())
            }
            other => Err(self.format(&place, "variable-length strings", other)),
        }
    }

    fn format(&self, place: &str, expected: impl Into<String>, found: impl ToString) -> Error {
        Error::format(self.path, place, expected, found.to_string())
    }
}
