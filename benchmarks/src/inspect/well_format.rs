//! What The Well's format requires beyond what this crate's reader needs.
//!
//! The source is the specification of PolymathicAI/the_well with its format checker. What `the_well.data.WellDataset`
//! reads is an error where it is missing; what only the specification names is a warning.

use hdf5::datatype::ByteOrder;
use hdf5::types::{FloatSize, TypeDescriptor};
use hdf5::{Container, Dataset, File, Group, Location};

use super::findings::{Finding, Findings, Severity};
use crate::Error;
use crate::systems::Rank;
use crate::well::checked_hdf5::CheckedHdf5;
use crate::well::{WellLayout, fields_group};

/// Checks the structure of a file whose outline can be read.
pub(super) fn check(access: &CheckedHdf5<'_>, file: &File, layout: &WellLayout, findings: &mut Findings) {
    let mut structure = Structure { access, findings };
    structure.root(file, layout);
    structure.dimensions(file, layout);
    structure.boundaries(file, layout);
    structure.scalars(file);
    for rank in Rank::ALL {
        structure.fields(file, rank);
    }
}

struct Structure<'a> {
    access: &'a CheckedHdf5<'a>,
    findings: &'a mut Findings,
}

impl Structure<'_> {
    fn root(&mut self, file: &File, layout: &WellLayout) {
        if let Some(grid) = self.keep(self.access.texts(file, "", "grid_type"), Severity::Error)
            && grid.concat() != "cartesian"
        {
            self.report(Severity::Warning, "@grid_type", "cartesian", grid.concat());
        }
        let names = self.keep(self.access.texts(file, "", "simulation_parameters"), Severity::Warning);
        for name in names.unwrap_or_default() {
            let place = format!("@{name}");
            match self.keep(self.access.attribute(file, "", &name), Severity::Warning) {
                Some((value, _)) => match self.access.descriptor(&value, &place) {
                    Ok(TypeDescriptor::Float(_)) => {}
                    Ok(other) => self.report(Severity::Warning, &place, "a floating-point number", other.to_string()),
                    Err(problem) => self.findings.problem(&problem),
                },
                None => continue,
            }
            if !layout.scalars.iter().any(|scalar| scalar.name == name) {
                let found = "it among @simulation_parameters only";
                self.report(Severity::Warning, "scalars @field_names", &name, found.into());
            }
        }
    }

    fn dimensions(&mut self, file: &File, layout: &WellLayout) {
        let Ok(group) = self.access.group(file, "dimensions") else { return };
        let axes = layout.axes.each_ref();
        for (name, in_time) in [("time", true), (&axes[0].name, false), (&axes[1].name, false)] {
            let Ok(dataset) = self.access.dataset(&group, "dimensions", name) else { continue };
            let place = format!("dimensions/{name}");
            self.flag(&dataset, &place, "sample_varying", false, Severity::Error);
            self.flag(&dataset, &place, "time_varying", in_time, Severity::Warning);
        }
        let times = &layout.times;
        if let Some(at) = times.windows(2).position(|t| t[0] >= t[1]) {
            let found = format!("{} after {}", times[at + 1], times[at]);
            self.report(Severity::Error, &format!("dimensions/time[{}]", at + 1), "times that rise", found);
        } else if let Some(step) = times.get(1).map(|second| second - times[0]) {
            let uneven = |t: &[f64]| (t[1] - t[0] - step).abs() > 1e-3 * step;
            if let Some(at) = times.windows(2).position(uneven) {
                let found = format!("one of {}", times[at + 1] - times[at]);
                self.report(
                    Severity::Warning,
                    &format!("dimensions/time[{}]", at + 1),
                    &format!("a step of {step}"),
                    found,
                );
            }
        }
        for axis in axes {
            if let Some(at) = axis.coordinates.windows(2).position(|x| x[0] >= x[1]) {
                let found = format!("{} after {}", axis.coordinates[at + 1], axis.coordinates[at]);
                let place = format!("dimensions/{}[{}]", axis.name, at + 1);
                self.report(Severity::Warning, &place, "coordinates that rise", found);
            }
        }
    }

    fn boundaries(&mut self, file: &File, layout: &WellLayout) {
        let Ok(group) = self.access.group(file, "boundary_conditions") else { return };
        let mut conditioned = Vec::new();
        for name in self.access.members(&group, "boundary_conditions").unwrap_or_default() {
            let place = format!("boundary_conditions/{name}");
            let Ok(condition) = self.access.group(&group, &place) else { continue };
            self.keep(self.access.texts(&condition, &place, "associated_fields"), Severity::Warning);
            self.flag(&condition, &place, "sample_varying", false, Severity::Warning);
            self.flag(&condition, &place, "time_varying", false, Severity::Warning);
            for axis in self.access.texts(&condition, &place, "associated_dims").unwrap_or_default() {
                match layout.axes.iter().find(|a| a.name == axis) {
                    Some(known) => self.mask(&condition, &place, known.coordinates.len()),
                    None => {
                        let known = layout.axes.each_ref().map(|a| a.name.as_str()).join(" or ");
                        self.report(Severity::Error, &format!("{place} @associated_dims"), &known, axis.clone());
                    }
                }
                conditioned.push(axis);
            }
        }
        for axis in layout.axes.iter().filter(|axis| !conditioned.contains(&axis.name)) {
            let expected = format!("a condition for axis {}", axis.name);
            self.report(Severity::Warning, "boundary_conditions", &expected, "none; readers assume an open one".into());
        }
    }

    /// True at the first and the last of `points` points.
    fn mask(&mut self, condition: &Group, place: &str, points: usize) {
        let Some(mask) = self.keep(self.access.dataset(condition, place, "mask"), Severity::Error) else { return };
        let place = format!("{place}/mask");
        if mask.shape() != [points] {
            return self.report(Severity::Error, &place, &format!("shape [{points}]"), format!("{:?}", mask.shape()));
        }
        match self.access.descriptor(&mask, &place) {
            Ok(TypeDescriptor::Boolean) => {}
            Ok(other) => return self.report(Severity::Warning, &place, "bool", other.to_string()),
            Err(problem) => return self.findings.problem(&problem),
        }
        if self.keep(self.access.stored(&mask, &place), Severity::Error).is_none() {
            return;
        }
        let ends = |values: &Vec<bool>| values.iter().enumerate().all(|(j, &v)| v == (j == 0 || j + 1 == points));
        match mask.read_raw::<bool>() {
            Ok(values) if ends(&values) => {}
            Ok(_) => self.report(Severity::Warning, &place, "true at both ends and nowhere else", "otherwise".into()),
            Err(e) => self.report(Severity::Error, &place, "values", e.to_string()),
        }
    }

    fn scalars(&mut self, file: &File) {
        let Ok(group) = self.access.group(file, "scalars") else { return };
        let names = self.listed(&group, "scalars");
        for name in names {
            let Ok(dataset) = self.access.dataset(&group, "scalars", &name) else { continue };
            let place = format!("scalars/{name}");
            self.flag(&dataset, &place, "sample_varying", dataset.size() > 1, Severity::Error);
            self.flag(&dataset, &place, "time_varying", false, Severity::Error);
        }
    }

    fn fields(&mut self, file: &File, rank: Rank) {
        let group_name = fields_group(rank);
        let Ok(group) = self.access.group(file, &group_name) else { return };
        for name in self.listed(&group, &group_name) {
            let Ok(dataset) = self.access.dataset(&group, &group_name, &name) else { continue };
            let place = format!("{group_name}/{name}");
            self.flag(&dataset, &place, "sample_varying", true, Severity::Error);
            self.flag(&dataset, &place, "time_varying", true, Severity::Error);
            self.dim_varying(&dataset, &place);
            self.values(&dataset, &place);
        }
    }

    /// Single precision in the order of this machine's bytes, all of it written.
    fn values(&mut self, dataset: &Dataset, place: &str) {
        let kind = self.access.descriptor(dataset, place).ok();
        if let Some(kind @ TypeDescriptor::Float(FloatSize::U2 | FloatSize::U8)) = kind {
            self.report(Severity::Warning, place, "float32", kind.to_string());
        }
        if dataset.dtype().is_ok_and(|kind| kind.byte_order() == ByteOrder::BigEndian) {
            self.report(Severity::Warning, place, "little-endian values", "big-endian ones".into());
        }
        if let Ok(storage) = self.access.stored(dataset, place)
            && let Some([unwritten, parts]) = storage.unwritten()
        {
            let chunks =
                if parts > 1 { format!("{unwritten} of {parts} chunks that never were") } else { "none".into() };
            let found = format!("{chunks}; they read as the fill value");
            self.report(Severity::Warning, place, "values that were written", found);
        }
    }

    /// The names that a group lists; readers do not see members that it does not list.
    fn listed(&mut self, group: &Group, place: &str) -> Vec<String> {
        let names = self.access.texts(group, place, "field_names").unwrap_or_default();
        for member in self.access.members(group, place).unwrap_or_default() {
            if !names.contains(&member) {
                let found = "nothing of this name; readers do not see it".into();
                self.report(Severity::Warning, &format!("{place} @field_names"), &member, found);
            }
        }
        names
    }

    fn flag(&mut self, location: &Location, place: &str, name: &str, expected: bool, severity: Severity) {
        let Some((flag, place)) = self.keep(self.access.attribute(location, place, name), severity) else { return };
        match self.flags(&flag, &place).as_deref() {
            Some([found]) if *found == expected => {}
            Some(found) => self.report(Severity::Error, &place, &expected.to_string(), format!("{found:?}")),
            None => {}
        }
    }

    fn dim_varying(&mut self, field: &Location, place: &str) {
        let found = self.access.attribute(field, place, "dim_varying");
        let Some((flags, place)) = self.keep(found, Severity::Error) else { return };
        if let Some(found) = self.flags(&flags, &place).filter(|flags| *flags != [true, true]) {
            self.report(Severity::Error, &place, "true for both axes, as the shape says", format!("{found:?}"));
        }
    }

    /// The values of an attribute of flags. Readers accept integers in place of h5py's bool, but the format checker
    /// does not.
    fn flags(&mut self, attribute: &hdf5::Attribute, place: &str) -> Option<Vec<bool>> {
        let read = match self.keep(self.access.descriptor(attribute as &Container, place), Severity::Error)? {
            TypeDescriptor::Boolean => attribute.read_raw::<bool>(),
            kind @ (TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_)) => {
                self.report(Severity::Warning, place, "bool", kind.to_string());
                attribute.read_raw::<i64>().map(|values| values.iter().map(|&v| v != 0).collect())
            }
            other => {
                self.report(Severity::Error, place, "bool", other.to_string());
                return None;
            }
        };
        read.map_err(|e| self.report(Severity::Error, place, "values", e.to_string())).ok()
    }

    fn report(&mut self, severity: Severity, place: &str, expected: &str, found: String) {
        let finding = Finding::error(place, format!("expected {expected}, found {found}"));
        self.findings.add(Finding { severity, ..finding });
    }

    /// The value; an error becomes a finding of that severity and `None`.
    fn keep<T>(&mut self, result: Result<T, Error>, severity: Severity) -> Option<T> {
        result.map_err(|problem| self.findings.add(Finding { severity, ..Finding::of(&problem) })).ok()
    }
}
