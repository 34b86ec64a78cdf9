//! Arrays of `.npz` files. Such a file comes from someone else, so that what its headers promise is held against what it is.

use std::{
    io::{BufReader, Read},
    path::Path,
};

use candle_core::{Tensor, npy::NpzTensors};
use physrep_benchmarks::regular_file;
use zip::ZipArchive;

use crate::error::{Error, Result, plain};

/// The first bytes of an array of version 1 of the format, whose header is at most 64 KiB long.
const START: &[u8] = b"\x93NUMPY\x01";

/// The array `name`, uncompressed and in row-major order.
///
/// # Errors
///
/// If there is none, or if it is of a kind that candle does not read.
pub(super) fn array(path: &Path, name: &str) -> Result<Tensor> {
    let refused = |reason: String| Error::file(path, reason);
    let unreadable = |error: &dyn std::fmt::Display| {
        refused(format!(
            "`{name}` cannot be read: {error}; write the file with numpy.savez, uncompressed, from arrays that \
             numpy.ascontiguousarray gave"
        ))
    };
    let file = regular_file::open(path).map_err(Error::io(path))?;
    let size = file.metadata().map_err(Error::io(path))?.len();
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|e| refused(format!("not an .npz file: {e}; write it with numpy.savez")))?;
    let member = format!("{name}.npy");
    if archive.index_for_name(&member).is_none() {
        let names = archive.file_names().flatten().take(8).map(|name| plain(name.trim_end_matches(".npy")));
        let names: Vec<String> = names.collect();
        return Err(refused(format!("has no array `{name}`; it has: {}", names.join(", "))));
    }
    let mut start = [0; START.len()];
    archive.by_name(&member).map_err(|e| unreadable(&e))?.read_exact(&mut start).map_err(|e| unreadable(&e))?;
    if start != START {
        return Err(unreadable(&"it is no array of version 1 of numpy's format"));
    }
    let arrays = NpzTensors::new(path).map_err(|e| unreadable(&e))?;
    let (shape, dtype) = arrays.get_shape_and_dtype(name).map_err(|e| unreadable(&e))?;
    let bytes = shape.dims().iter().try_fold(dtype.size_in_bytes(), |bytes, &size| bytes.checked_mul(size));
    if bytes.is_none_or(|bytes| bytes as u64 > size) {
        return Err(refused(format!(
            "`{name}` has the shape {:?}, but the whole file has {size} bytes; it is damaged",
            shape.dims()
        )));
    }
    let array = arrays.get(name).map_err(|e| unreadable(&e))?;
    array.ok_or_else(|| unreadable(&"it is gone"))
}
