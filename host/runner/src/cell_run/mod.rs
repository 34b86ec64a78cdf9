//! One cell from its description to its record.

mod elsewhere;
mod encoder;
mod encoder_facts;
mod floor;
mod record_parts;
mod run;
mod task;

pub(crate) use run::run_cell;
pub(crate) use task::CellRun;
