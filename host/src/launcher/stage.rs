//! The stages of a run. Tasks of one stage are independent of each other.

use clap::ValueEnum;

/// A stage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Stage {
    /// Generates and packs the data of a system.
    Data,
    /// Writes the cells, whose addresses depend on the data, into the run's folder.
    Plan,
    /// Pretrains a method on all systems, with the first of the cells that share this.
    JointPretraining,
    /// The other cells of joint pretrainings.
    JointCells,
    /// All other cells.
    Cells,
    /// Writes the tables and the report.
    Tables,
}

impl Stage {
    /// All stages, in an order in which one after the other can run.
    pub const ALL: [Self; 6] =
        [Self::Data, Self::Plan, Self::JointPretraining, Self::JointCells, Self::Cells, Self::Tables];

    /// Its name in files and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Plan => "plan",
            Self::JointPretraining => "joint-pretraining",
            Self::JointCells => "joint-cells",
            Self::Cells => "cells",
            Self::Tables => "tables",
        }
    }

    /// The stage with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Stages whose tasks must have succeeded before a task of this one can begin.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Data => &[],
            Self::Plan => &[Self::Data],
            Self::JointPretraining | Self::JointCells | Self::Cells | Self::Tables => &[Self::Plan],
        }
    }

    /// Stages whose tasks must have ended before, with success or without: a cell that fails stands in the tables.
    pub fn follows(self) -> &'static [Self] {
        match self {
            Self::JointCells => &[Self::JointPretraining],
            Self::Tables => &[Self::JointPretraining, Self::JointCells, Self::Cells],
            Self::Data | Self::Plan | Self::JointPretraining | Self::Cells => &[],
        }
    }

    /// Whether its tasks are cells.
    pub fn has_cells(self) -> bool {
        matches!(self, Self::JointPretraining | Self::JointCells | Self::Cells)
    }
}
