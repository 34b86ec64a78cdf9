//! Runs a cell in this process and writes its record.

use physrep_benchmarks::packed::Packed;
use physrep_records::{DataSource, EncoderSpec, files, sealed};

use super::{elsewhere::record_elsewhere, encoder::record_encoder, floor::record_floor, task::CellRun};
use crate::{
    child::last_line_of_own_log,
    data::pack_again,
    error::{Error, Result},
    events::{Phase, PhaseProgress},
    plugin::MethodCode,
    progress::Progress,
};

/// Runs a cell in this process and writes its record, resuming from the checkpoint of its pretraining if there is one.
///
/// # Errors
///
/// If a stage of the cell fails; [`Error::Interrupted`] if this process is to stop.
pub(crate) fn run_cell(run: CellRun<'_>, listener: &mut dyn FnMut(PhaseProgress) -> Result<()>) -> Result<()> {
    record_cell(run, listener).map_err(pack_again)
}

fn record_cell(run: CellRun<'_>, listener: &mut dyn FnMut(PhaseProgress) -> Result<()>) -> Result<()> {
    physrep_nn::retain_heap_memory();
    let mut progress = Progress::new(listener);
    progress.report(Phase::Start, 0, 1)?;
    let data = run.cell.sources().iter().map(open_data).collect::<Result<Vec<_>>>()?;
    let record = match &run.cell.encoder {
        EncoderSpec::Plugin { library, folder, checksum, .. } => {
            let code = MethodCode { library: library.clone(), folder: folder.clone() };
            lies_apart(&code, &run)?;
            if code.checksum()? != *checksum {
                return Err(Error::Plugin {
                    path: code.folder.unwrap_or(code.library),
                    reason: "it changed since this cell was planned; run the same command again".into(),
                });
            }
            record_encoder(run, &code, &data, &mut progress).map_err(|error| match error {
                Error::MethodDied { how, .. } => Error::MethodDied {
                    how,
                    phase: Some(progress.phase()),
                    log: last_line_of_own_log(&run.folder.log()),
                },
                other => other,
            })?
        }
        EncoderSpec::Elsewhere { .. } => record_elsewhere(run, &data[run.cell.index()], &mut progress)?,
        EncoderSpec::Features | EncoderSpec::Mean => record_floor(run, &data[run.cell.index()], &mut progress)?,
    };
    // A cell with a record is not run again: what is not to stay goes before.
    files::remove(&run.folder.failure())?;
    if run.cell.trial.is_some() {
        // No later cell could use embeddings of two splits.
        files::remove(&run.folder.embeddings_record())?;
        files::remove(&run.folder.embeddings())?;
    }
    // Nothing of it is a file that was asked for.
    run.folder.remove_scratch();
    // Another process may have done the same work: the first record stays.
    if run.folder.found_record().is_none() {
        sealed::write(&run.folder.record(), &record)?;
    }
    Ok(())
}

/// Opens the packed data of a system and checks that it has not changed since the cell was planned.
fn open_data(source: &DataSource) -> Result<Packed> {
    if !source.path.exists() {
        let moved = "the packed data was here when this cell was planned; if it was moved, plan the run again with its place as --data";
        return Err(Error::file(&source.path, moved));
    }
    let data = Packed::open(&source.path)?;
    if data.header().checksum == source.checksum {
        return Ok(data);
    }
    Err(Error::file(&source.path, "the packed data changed since this cell was planned; run the same command again"))
}

/// Checks that neither the run nor the data is in the folder of a method in another process: it would be code of the method by its
/// place, and nothing that a method may read by what it is.
fn lies_apart(code: &MethodCode, run: &CellRun<'_>) -> Result<()> {
    let Some(method) = &code.folder else { return Ok(()) };
    let data = run.cell.sources().iter().filter_map(|source| source.path.parent());
    for folder in data.chain([run.run]) {
        if folder.canonicalize().is_ok_and(|folder| folder.starts_with(method)) {
            return Err(Error::Plugin {
                path: method.clone(),
                reason: format!(
                    "{} is in it, which a method must not read; run physrep-bench in another folder, or name others with --out and --data",
                    folder.display()
                ),
            });
        }
    }
    Ok(())
}
