//! Access to the objects of an HDF5 file, with every size checked before anything is allocated: a dataset's against the
//! bytes that the file has, an attribute's against what real files have.
//!
//! The HDF5 library itself is trusted; its version 2.2.0 can loop forever in a damaged heap of strings.

use std::path::Path;

use hdf5::plist::dataset_create::Layout as Storage;
use hdf5::types::{FloatSize, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Attribute, Container, Dataset, File, Group, H5Type, Location};

use super::hdf5_error::Hdf5Context;
use super::layout::{WellLayout, WellScalar, boundary_type, fields_group};
use crate::systems::{Boundary, Field};
use crate::{Error, Result};

/// The most entries that a list among the attributes, or a group, may have; real files have a handful.
const LONGEST_LIST: usize = 1024;

/// The most trajectories that a scalar may have values for; real files have hundreds.
const LARGEST_SCALAR: usize = 1 << 20;

/// The highest compression ratio of deflate, in bytes per byte: a compressed dataset cannot be larger than its file by
/// more.
const DEFLATE_LIMIT: u64 = 1032;

/// Reads parts of one file. Messages name the file and the part.
pub(crate) struct CheckedHdf5<'a> {
    pub path: &'a Path,
    /// The file's size.
    pub bytes: u64,
}

impl CheckedHdf5<'_> {
    /// A field's dataset, of the shape that the outline asks for.
    pub fn field(&self, file: &File, field: &Field, layout: &WellLayout) -> Result<Dataset> {
        let group_name = fields_group(field.rank);
        let place = format!("{group_name}/{}", field.name);
        let dataset = self.dataset(&self.group(file, &group_name)?, &group_name, &field.name)?;
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
    pub fn boundaries(&self, file: &File) -> Result<Vec<(String, Boundary)>> {
        let group = self.group(file, "boundary_conditions")?;
        let mut found = Vec::new();
        for name in self.members(&group, "boundary_conditions")? {
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

    /// The scalars, each with one value, or one for each trajectory.
    pub fn scalars(&self, file: &File) -> Result<Vec<WellScalar>> {
        let group = self.group(file, "scalars")?;
        let mut scalars = Vec::new();
        for name in self.texts(&group, "scalars", "field_names")? {
            let place = format!("scalars/{name}");
            let dataset = self.dataset(&group, "scalars", &name)?;
            let shape = dataset.shape();
            if shape.len() > 1 || shape.iter().any(|&n| n == 0 || n > LARGEST_SCALAR) {
                let expected = "one value, of shape () or (1), or one for each trajectory";
                return Err(self.format(&place, expected, format!("shape {shape:?}")));
            }
            self.float(&dataset, &place)?;
            self.stored(&dataset, &place)?;
            let values = dataset.read_raw::<f64>().h5(self.path, &format!("read {place}"))?;
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(self.format(&place, "finite values", value));
            }
            scalars.push(WellScalar { name, values });
        }
        Ok(scalars)
    }

    /// The names in a group.
    pub fn members(&self, group: &Group, place: &str) -> Result<Vec<String>> {
        if group.len() > LONGEST_LIST as u64 {
            return Err(self.format(place, "a handful of members", group.len()));
        }
        let names = group.member_names().h5(self.path, &format!("list {place}"))?;
        names.iter().map(|name| self.text(name.as_bytes(), place)).collect()
    }

    pub fn group(&self, file: &File, name: &str) -> Result<Group> {
        file.group(name).map_err(|_| self.format(name, "a group", "nothing of this name"))
    }

    pub fn dataset(&self, group: &Group, group_name: &str, name: &str) -> Result<Dataset> {
        group
            .dataset(name)
            .map_err(|_| self.format(&format!("{group_name}/{name}"), "a dataset", "nothing of this name"))
    }

    /// All of a one-dimensional dataset of finite values.
    pub fn vector<T: H5Type + Into<f64> + Copy>(&self, group: &Group, group_name: &str, name: &str) -> Result<Vec<T>> {
        let place = format!("{group_name}/{name}");
        let dataset = self.dataset(group, group_name, name)?;
        let shape = dataset.shape();
        if shape.len() != 1 || shape[0] == 0 {
            return Err(self.format(&place, "a list of values", format!("shape {shape:?}")));
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
    pub fn float(&self, dataset: &Dataset, place: &str) -> Result<()> {
        match self.descriptor(dataset, place)? {
            TypeDescriptor::Float(FloatSize::U4 | FloatSize::U8) => Ok(()),
            other => Err(self.format(place, "float32 or float64", other)),
        }
    }

    pub fn descriptor(&self, object: &Container, place: &str) -> Result<TypeDescriptor> {
        object
            .dtype()
            .and_then(|t| t.to_descriptor())
            .map_err(|e| self.format(place, "a type of The Well", format!("one that HDF5 cannot describe ({e})")))
    }

    /// Refuses a dataset whose values are not all in this file: they are elsewhere, were never written, or do not fit.
    pub fn stored(&self, dataset: &Dataset, place: &str) -> Result<()> {
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

    pub fn attribute(&self, location: &Location, place: &str, name: &str) -> Result<(Attribute, String)> {
        let place = format!("{place} @{name}").trim_start().to_owned();
        let attribute = location.attr(name).map_err(|_| self.format(&place, "an attribute", "nothing of this name"))?;
        if attribute.ndim() > 1 || attribute.size() > LONGEST_LIST {
            return Err(self.format(&place, "a value or a short list", format!("shape {:?}", attribute.shape())));
        }
        Ok((attribute, place))
    }

    pub fn integer(&self, location: &Location, place: &str, name: &str) -> Result<i64> {
        let (attribute, place) = self.attribute(location, place, name)?;
        let kind = self.descriptor(&attribute, &place)?;
        let number = matches!(kind, TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_));
        if !number || attribute.size() != 1 {
            return Err(self.format(&place, "one integer", format!("{} of {kind}", attribute.size())));
        }
        Ok(attribute.read_raw::<i64>().h5(self.path, &format!("read {place}"))?[0])
    }

    /// A list of strings, or a single one as a list of one.
    pub fn texts(&self, location: &Location, place: &str, name: &str) -> Result<Vec<String>> {
        let (attribute, place) = self.attribute(location, place, name)?;
        // An empty list has no strings to tell its type by; h5py stores it as floats.
        if attribute.size() == 0 {
            return Ok(Vec::new());
        }
        let action = format!("read {place}");
        match self.descriptor(&attribute, &place)? {
            TypeDescriptor::VarLenUnicode => {
                let texts = attribute.read_raw::<VarLenUnicode>().h5(self.path, &action)?;
                texts.iter().map(|t| self.text(t.as_bytes(), &place)).collect()
            }
            TypeDescriptor::VarLenAscii => {
                let texts = attribute.read_raw::<VarLenAscii>().h5(self.path, &action)?;
                texts.iter().map(|t| self.text(t.as_bytes(), &place)).collect()
            }
            other => Err(self.format(&place, "variable-length strings", other)),
        }
    }

    /// HDF5 does not check that strings are UTF-8.
    fn text(&self, bytes: &[u8], place: &str) -> Result<String> {
        let text = String::from_utf8(bytes.to_vec());
        text.map_err(|e| self.format(place, "UTF-8", String::from_utf8_lossy(e.as_bytes())))
    }

    pub fn format(&self, place: &str, expected: impl Into<String>, found: impl ToString) -> Error {
        Error::format(self.path, place, expected, found.to_string())
    }
}
