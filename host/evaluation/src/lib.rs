#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod embedding_spread;
mod error;
mod features;
mod label_permutation;
mod label_subset;
mod labelled;
mod linear_algebra;
mod probes;
#[cfg(test)]
mod tests;

pub use embedding_spread::spread;
pub use error::{Error, Result};
pub use features::FeatureExtractor;
pub use label_permutation::permute_labels;
pub use label_subset::label_subset;
pub use labelled::{Embeddings, LabelledEmbeddings};
pub use probes::{
    FittedProbe, Probe, ProbeRecord, StackedFits,
    attentive::{AttentiveConfig, AttentiveHead, AttentiveRecord, Tokens, normalise_tokens},
    knn::{KnnConfig, KnnMetric, KnnRecord},
    mean::MeanRecord,
    mlp::{MlpConfig, MlpRecord},
    ridge::{RidgeConfig, RidgeRecord},
    training::copy_weights,
};
