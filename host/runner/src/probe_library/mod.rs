//! The probe library, with which a cell fits its trained probes on a GPU: found or built while a run is planned, opened by the process
//! of a cell.

mod memory;
mod opened;
mod placement;

pub(crate) use memory::KeptMemory;
pub(crate) use opened::OpenedProbeLibrary;
pub use placement::ProbePlacement;
