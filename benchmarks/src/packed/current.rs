//! Whether a system's data is packed already, without packing it.

use std::path::Path;

use super::pack::is_known_damaged;
use super::provenance::{source_files, source_hash};
use super::reader::Packed;
use crate::suite::Suite;
use crate::systems::System;
use crate::{Result, generate};

/// The packed file `out`, if [`pack`](super::pack()) of the same data would leave it as it is; `None` if there is something to do.
///
/// # Errors
/// Those of [`pack`](super::pack()) but for missing files.
pub fn packed_before(suite: &Suite, system: &dyn System, data: &Path, out: &Path) -> Result<Option<Packed>> {
    if !out.is_file() || is_known_damaged(out) {
        return Ok(None);
    }
    let Ok(packed) = Packed::open(out) else { return Ok(None) };
    let section = suite.section(system)?;
    let key = generate::data_key(suite, system, data)?;
    if section.generate.is_some() && key.is_none() {
        return Ok(None);
    }
    let Ok(files) = source_files(suite, section, data, key.is_some()) else { return Ok(None) };
    let source = source_hash(suite, system, section, data, key.as_deref(), &files, out)?;
    Ok((packed.header().source == source).then_some(packed))
}
