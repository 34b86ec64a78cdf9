//! A cell to run.

use std::{path::Path, time::Duration};

use physrep_records::{Cell, CellFolder, PretrainingFolder};

/// A cell to run, and the folders of its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellRun<'a> {
    /// The folder of the run.
    pub run: &'a Path,
    /// The cell.
    pub cell: &'a Cell,
    /// Its folder.
    pub folder: &'a CellFolder,
    /// The folder of its pretraining.
    pub pretraining: &'a PretrainingFolder,
    /// Time between checkpoints of pretraining.
    pub checkpoint_every: Duration,
}
