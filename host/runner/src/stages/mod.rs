//! The stages of a cell: pretrain, encode, probe, and, where the suite asks for it, end-to-end training. Each takes what the one
//! before it left and returns what it made; [`run_cell`](crate::run_cell) puts them together.

mod checkpoint;
pub(crate) mod embedding_cache;
pub(crate) mod encode;
pub(crate) mod end_to_end;
pub(crate) mod pretrain;
mod pretraining_record;
pub(crate) mod probe;
mod probe_score;

pub(crate) use pretraining_record::PretrainingRecord;
