//! The stages of a cell: pretrain, encode, probe, and, if the suite has a budget for it, end-to-end training. Each takes the result of
//! the previous one; `cell_run` combines them.

mod checkpoint;
pub(crate) mod embedded_splits;
pub(crate) mod embedding_cache;
pub(crate) mod encode;
pub(crate) mod encode_check;
pub(crate) mod end_to_end;
pub(crate) mod fits;
pub(crate) mod order;
pub(crate) mod pretrain;
mod pretraining_record;
pub(crate) mod probe;
mod probe_score;

pub(crate) use pretraining_record::PretrainingRecord;
