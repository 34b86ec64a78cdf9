//! Prepares a system's data for a run.

use std::path::Path;

use physrep_benchmarks::{
    generate,
    packed::{self, Packed},
    suite::Suite,
    systems, well,
};
use physrep_records::DataSource;

use super::inspect::vet;
use crate::{
    error::Result,
    events::{DataProgress, DataStep},
    interrupt,
};

/// Generates and packs what is missing of a system's data in folder `data`.
///
/// # Errors
///
/// If the data can be neither read nor made; [`Error::Interrupted`](crate::Error::Interrupted) if this process is to stop.
pub fn prepare_data(
    suite: &Suite,
    system: &str,
    data: &Path,
    threads: usize,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<DataSource> {
    let progress = |done: usize, total: usize, note: &str| {
        listener(DataProgress { task: system, step: DataStep::Generate, done: done as u64, total: total as u64, note });
        interrupt::flow()
    };
    let solver = systems::named(system)?;
    if suite.section(solver)?.generate.is_some() {
        generate::generate(suite, solver, data, threads, &progress)?;
    }
    let packed = pack_data(suite, system, data, &packed::packed_file(suite, system, data), listener)?;
    Ok(DataSource {
        system: system.to_owned(),
        path: packed.path().to_owned(),
        checksum: packed.header().checksum.clone(),
    })
}

/// Packs a system's data in folder `data` into the file `out`, unless that is done already. Files from elsewhere are inspected
/// first, because HDF5 trusts what it reads.
///
/// # Errors
///
/// If the data is missing or unsound, or the file cannot be written.
pub fn pack_data(
    suite: &Suite,
    system: &str,
    data: &Path,
    out: &Path,
    listener: &(dyn Fn(DataProgress<'_>) + Sync),
) -> Result<Packed> {
    let solver = systems::named(system)?;
    if generate::data_key(suite, solver, data)?.is_none() {
        let splits = suite.section(solver)?.splits();
        let files: Vec<_> = splits.filter_map(|split| well::split_files(data, solver.name(), split).ok()).collect();
        vet(&files.concat(), system, listener)?;
    }
    let progress = |done: usize, total: usize, note: &str| {
        listener(DataProgress { task: system, step: DataStep::Pack, done: done as u64, total: total as u64, note });
        interrupt::flow()
    };
    Ok(packed::pack(suite, solver, data, out, &progress)?)
}
