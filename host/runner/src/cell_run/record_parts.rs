//! Assembles the record of a cell from the results of its stages.

use physrep_benchmarks::packed::Packed;
use physrep_records::{Cell, CellRecord, Cost, Digest, EncoderSpec, Health, Recipe, SCHEMA};
use serde_json::Value;

use crate::{
    config_overrides, environment, peak_memory,
    stages::{embedding_cache::CachedEmbeddings, probe::Probed},
};

/// The results of a cell's stages.
pub(super) struct RecordParts {
    pub(super) probed: Probed,
    /// What is known of the encoder and of the embeddings; nothing of those that no method made.
    pub(super) cached: CachedEmbeddings,
    pub(super) cost: Cost,
}

impl RecordParts {
    /// The record of `cell`; `data` is that of its own system.
    pub(super) fn record(self, cell: &Cell, data: &Packed) -> CellRecord {
        let Self { probed, cached, cost } = self;
        let CachedEmbeddings { gradient, encoder_unchanged, encoding, encoder, sandbox, .. } = cached;
        let (config, plugin) = match &cell.encoder {
            EncoderSpec::Plugin { config, .. } => {
                let method = cell.suite.variants.get(cell.method()).map_or(cell.method(), String::as_str);
                (config.clone(), Some(method.to_owned()))
            }
            EncoderSpec::Elsewhere { .. } | EncoderSpec::Features | EncoderSpec::Mean => (Value::Null, None),
        };
        let tuned = cell.suite.tuning.get(cell.method());
        let chosen = plugin.is_some() && config == config_overrides::of_suite(&cell.suite, cell.method());
        let tuning_trials = tuned.filter(|_| chosen);
        let recipe = Recipe {
            suite: serde_json::json!(cell.suite),
            tuning_trials: tuning_trials.map(|tuned| tuned.trials),
            config,
            plugin,
        };
        CellRecord {
            schema: SCHEMA,
            digest: Digest::default(),
            identity: cell.identity(),
            external: false,
            elsewhere: None,
            parameters: data.header().scalings.clone(),
            splits: probed.splits,
            label_subsets: probed.label_subsets,
            scores: probed.scores,
            selections: probed.selections,
            health: probed.checks.map(|(spread, label_permutation)| Health {
                spread,
                gradient,
                encoder_unchanged,
                encoding,
                label_permutation,
            }),
            encoder,
            recipe,
            environment: environment::current(&cell.data.checksum, cell.device),
            sandbox,
            probe_library: cell.probe_library.as_ref().map(|library| library.checksum.clone()),
            cost: Cost { peak_memory_mib: peak_memory::peak().map(|bytes| bytes >> 20), ..cost },
        }
    }
}
