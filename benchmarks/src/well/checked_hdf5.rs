//! Access to the objects of an HDF5 file, with every size checked before anything is allocated: a dataset's against the
//! bytes that the file has, an attribute's against what real files have. Every object is in this file: what refers to another one is
//! refused before that is touched.
//!
//! The HDF5 library itself is trusted; its version 2.2.0 can loop forever in a damaged heap of strings.

use std::path::Path;

use hdf5::types::{FloatSize, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{
    Attribute, Container, Dataset, File, Group, H5Type, IndexType, IterationOrder, LinkType, Location, LocationType,
};

use super::hdf5_error::Hdf5Context;
use super::hdf5_storage::Storage;
use super::layout::{WellLayout, WellScalar, boundary_type, fields_group};
use crate::systems::{Boundary, Field};
use crate::{Error, Result};

/// The most entries that a list among the attributes, or a group, may have; real files have a handful.
const LONGEST_LIST: usize = 1024;

/// The most trajectories that a scalar may have values for; real files have hundreds.
const LARGEST_SCALAR: usize = 1 << 20;

/// What is expected where something refers to another file.
const VALUES_IN_THIS_FILE: &str = "values in this file";

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
            let condition = self.group(&group, &place)?;
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

    /// The group at `place`, whose last part is its name in `parent`.
    pub fn group(&self, parent: &Group, place: &str) -> Result<Group> {
        let name = place.rsplit('/').next().unwrap_or_default();
        self.object(parent, place, name, LocationType::Group, "a group")?;
        parent.group(name).h5(self.path, &format!("open {place}"))
    }

    /// The dataset `name` in a group, whose values are in this file.
    pub fn dataset(&self, group: &Group, group_name: &str, name: &str) -> Result<Dataset> {
        let place = format!("{group_name}/{name}");
        self.object(group, &place, name, LocationType::Dataset, "a dataset")?;
        let dataset = group.dataset(name).h5(self.path, &format!("open {place}"))?;
        match Storage::of(&dataset).h5(self.path, &format!("read the layout of {place}"))?.elsewhere() {
            Some(what) => Err(self.elsewhere(&place, what)),
            None => Ok(dataset),
        }
    }

    /// Refuses anything but an object of that kind in this file.
    fn object(&self, group: &Group, place: &str, name: &str, kind: LocationType, expected: &str) -> Result<()> {
        let link = |found: &str, link: hdf5::LinkInfo| Ok((found == name).then_some(link.link_type));
        let link = group.find_link(IndexType::Name, IterationOrder::Native, link);
        let link = match link.h5(self.path, &format!("look for {place}"))? {
            None => return Err(self.format(place, expected, "nothing of this name")),
            Some(LinkType::External) => return Err(self.elsewhere(place, "an external link")),
            Some(link) => link,
        };
        match group.loc_type_by_name(name) {
            Ok(found) if found == kind => Ok(()),
            Ok(found) => Err(self.format(place, expected, format!("a {}", format!("{found:?}").to_lowercase()))),
            Err(_) if link == LinkType::Soft => {
                Err(self.elsewhere(place, "a soft link that leads nowhere in this one"))
            }
            Err(error) => Err(error).h5(self.path, &format!("open {place}")),
        }
    }

    /// That something refers to another file.
    fn elsewhere(&self, place: &str, what: &str) -> Error {
        let found = format!("a reference to other files ({what}); copy the values into this one");
        self.format(place, VALUES_IN_THIS_FILE, found)
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

    /// Refuses anything but floating point, of any byte order: HDF5 converts it.
    pub fn float(&self, dataset: &Dataset, place: &str) -> Result<()> {
        match self.descriptor(dataset, place)? {
            TypeDescriptor::Float(FloatSize::U2 | FloatSize::U4 | FloatSize::U8) => Ok(()),
            TypeDescriptor::Reference(_) => Err(self.format(place, VALUES_IN_THIS_FILE, "references to other objects")),
            other => Err(self.format(place, "float16, float32 or float64", other)),
        }
    }

    pub fn descriptor(&self, object: &Container, place: &str) -> Result<TypeDescriptor> {
        object
            .dtype()
            .and_then(|t| t.to_descriptor())
            .map_err(|e| self.format(place, "a type of The Well", format!("one that HDF5 cannot describe ({e})")))
    }

    /// Refuses a dataset whose values cannot be read: they go through a filter that is not here, or do not fit into the file.
    pub fn stored(&self, dataset: &Dataset, place: &str) -> Result<Storage> {
        let storage = Storage::of(dataset).h5(self.path, &format!("read the layout of {place}"))?;
        if let Some(filter) = storage.foreign_filter() {
            let found =
                format!("{filter}, which this program does not have; rewrite the file, as h5repack -f GZIP=4 does");
            return Err(self.format(place, "values without a filter, or with gzip, lzf, shuffle or fletcher32", found));
        }
        if storage.is_undefined() {
            let found = "some that were never written, and no fill value";
            return Err(self.format(place, "values", found));
        }
        let element = self.descriptor(dataset, place)?.size();
        let claimed = dataset.shape().iter().try_fold(element as u64, |n, &d| n.checked_mul(d as u64));
        match claimed {
            Some(claimed) if claimed <= storage.most(self.bytes) => Ok(storage),
            _ => {
                let claim = claimed.map_or("more than 2^64 bytes".into(), |n| format!("{n} bytes"));
                let found = format!("a file of {} bytes that does not hold them", self.bytes);
                Err(self.format(place, format!("the {claim} of shape {:?}", dataset.shape()), found))
            }
        }
    }

    pub fn attribute(&self, location: &Location, place: &str, name: &str) -> Result<(Attribute, String)> {
        let place = format!("{place} @{name}").trim_start().to_owned();
        let names = location.attr_names().h5(self.path, &format!("look for {place}"))?;
        if !names.iter().any(|there| there == name) {
            return Err(self.format(&place, "an attribute", "nothing of this name"));
        }
        let attribute = location.attr(name).h5(self.path, &format!("open {place}"))?;
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
