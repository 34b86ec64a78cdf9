//! The record of embeddings that were made elsewhere.

use physrep_benchmarks::{Split, packed::Packed};
use physrep_records::{CellRecord, Cost, ElsewhereFacts, EncoderSpec, PhaseCost};

use super::{record_parts::RecordParts, task::CellRun};
use crate::{
    error::{Error, Result},
    phase_timer::PhaseTimer,
    progress::Progress,
    stages::{embedded_splits::window_count, embedding_cache::CachedEmbeddings, fits::Fitter, probe},
};

/// Probes the embeddings in the cell's folder as those of any method.
pub(super) fn record_elsewhere(run: CellRun<'_>, data: &Packed, progress: &mut Progress<'_>) -> Result<CellRecord> {
    let cell = run.cell;
    let EncoderSpec::Elsewhere { checksum, about, .. } = &cell.encoder else {
        unreachable!("the embeddings were made elsewhere")
    };
    let cached = CachedEmbeddings::load(cell, data, run.folder)?.filter(|(cached, _)| cached.checksum == *checksum);
    let (cached, embedded) = cached.ok_or_else(|| {
        let reason = "expected the embeddings that were made elsewhere, but they are gone or were changed; score them again with \
                      `physrep-bench score`";
        Error::file(run.folder.embeddings(), reason)
    })?;
    let fitter = Fitter::of(cell)?;
    let (timer, memory) = (PhaseTimer::start(), fitter.memory());
    let probed = probe::run(cell, data, &embedded, &fitter, progress)?;
    let probe = PhaseCost { peak_device_memory_mib: memory.peak_mib(), ..timer.cost(window_count(&embedded)) };
    drop(memory);
    let tokens = embedded[&Split::Train].embeddings();
    let facts =
        ElsewhereFacts { about: about.clone(), tokens: tokens.tokens, dim: tokens.dim, checksum: checksum.clone() };
    let cost = Cost { probe, ..Cost::default() };
    Ok(CellRecord { external: true, elsewhere: Some(facts), ..RecordParts { probed, cached, cost }.record(cell, data) })
}
