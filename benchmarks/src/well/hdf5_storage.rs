//! How and where a dataset keeps its values.

use hdf5::Dataset;
use hdf5::filters::Filter;
use hdf5::plist::dataset_create::{ExternalFile, FillTime, FillValue, Layout};

/// The highest compression ratio of deflate, in bytes per byte; others have lower ones. A dataset that is compressed, or partly
/// never written, may not be larger than its file by more.
const HIGHEST_RATIO: u64 = 1032;

/// Filters of others, by their registered numbers.
const FOREIGN: [(i32, &str); 9] = [
    (4, "szip"),
    (307, "bzip2"),
    (32001, "blosc"),
    (32004, "lz4"),
    (32008, "bitshuffle"),
    (32013, "zfp"),
    (32015, "zstd"),
    (32017, "sz"),
    (32026, "blosc2"),
];

/// How a dataset keeps its values.
#[derive(Debug)]
pub(crate) struct Storage {
    layout: Layout,
    external: Vec<ExternalFile>,
    filters: Vec<Filter>,
    /// Bytes in the file.
    bytes: u64,
    /// Of how many parts, how many are in the file: chunks, or the whole.
    written: usize,
    parts: usize,
    /// Whether what was not written has a value.
    filled: bool,
}

impl Storage {
    /// Reads what a dataset says of itself; nothing of its values, and of no other file.
    pub fn of(dataset: &Dataset) -> hdf5::Result<Self> {
        let properties = dataset.dcpl()?;
        let layout = properties.get_layout()?;
        let external = properties.get_external()?;
        let mut storage = Self { layout, external, filters: Vec::new(), bytes: 0, written: 1, parts: 1, filled: true };
        if storage.elsewhere().is_some() {
            return Ok(storage);
        }
        storage.filters = properties.get_filters()?;
        storage.bytes = dataset.storage_size();
        storage.filled = properties.get_fill_time()? != FillTime::Never
            && properties.get_fill_value_defined()? != FillValue::Undefined;
        if let Some(chunk) = properties.chunk() {
            let parts = dataset.shape().iter().zip(&chunk).try_fold(1usize, |n, (d, c)| n.checked_mul(d.div_ceil(*c)));
            storage.parts = parts.ok_or("more chunks than can be counted")?;
            storage.written = dataset.num_chunks().ok_or("chunks that cannot be counted")?;
        } else if dataset.size() > 0 {
            storage.written = usize::from(storage.bytes > 0);
        }
        Ok(storage)
    }

    /// What refers to other files, if something does.
    pub fn elsewhere(&self) -> Option<&'static str> {
        match self.layout {
            Layout::Virtual => Some("a virtual dataset"),
            _ => (!self.external.is_empty()).then_some("external storage"),
        }
    }

    /// The first filter that this program does not have.
    pub fn foreign_filter(&self) -> Option<String> {
        let foreign = self.filters.iter().find(|filter| !filter.is_available())?;
        let name = FOREIGN.iter().find(|(id, _)| *id == foreign.id()).map(|(_, name)| format!(" ({name})"));
        Some(format!("filter {}{}", foreign.id(), name.unwrap_or_default()))
    }

    /// Whether some values were neither written nor have a fill value.
    pub fn is_undefined(&self) -> bool {
        self.unwritten().is_some() && !self.filled
    }

    /// How many of how many parts were never written and have the fill value, if some do.
    pub fn unwritten(&self) -> Option<[usize; 2]> {
        (self.written < self.parts).then(|| [self.parts - self.written, self.parts])
    }

    /// The most bytes that its values may have in a file of `file` bytes.
    pub fn most(&self, file: u64) -> u64 {
        if self.filters.is_empty() && self.unwritten().is_none() {
            self.bytes.min(file)
        } else {
            file.saturating_mul(HIGHEST_RATIO)
        }
    }
}
