//! The record of a floor: hand-made statistics of the fields, or the mean label.

use physrep_benchmarks::packed::Packed;
use physrep_records::{CellRecord, Cost, EncoderSpec};

use super::{record_parts::RecordParts, task::CellRun};
use crate::{
    error::Result,
    events::Phase,
    phase_timer::PhaseTimer,
    progress::Progress,
    stages::{embedded_splits::window_count, embedding_cache::CachedEmbeddings, encode, fits::Fitter, probe},
};

/// Encodes with hand-made statistics, or with zeros for the mean of the labels, then probes.
pub(super) fn record_floor(run: CellRun<'_>, data: &Packed, progress: &mut Progress<'_>) -> Result<CellRecord> {
    let cell = run.cell;
    let mut cost = Cost::default();
    let embedded = match &cell.encoder {
        EncoderSpec::Mean => encode::with_zeros(cell, data)?,
        _ => match CachedEmbeddings::load(cell, data, run.folder)? {
            Some((cached, embedded)) => {
                cost.encode = cached.encode;
                embedded
            }
            None => {
                let timer = PhaseTimer::start();
                let embedded =
                    encode::with_features(cell, data, |done, total| progress.report(Phase::Encode, done, total))?;
                cost.encode = timer.cost(window_count(&embedded));
                let cached = CachedEmbeddings { encode: cost.encode, ..CachedEmbeddings::default() };
                cached.save(&embedded, run.folder)?;
                embedded
            }
        },
    };
    let timer = PhaseTimer::start();
    let probed = probe::run(cell, data, &embedded, &Fitter::of(cell)?, progress)?;
    cost.probe = timer.cost(window_count(&embedded));
    Ok(RecordParts { probed, cached: CachedEmbeddings::default(), cost }.record(cell, data))
}
