#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod compare;
pub mod contact_sheet;
mod error;
mod figures;
mod forms;
mod html;
mod leaderboard;
mod number;
mod paper_table;
mod picture;
mod plot;
mod standings;
mod tables;
mod tensorboard;
#[cfg(test)]
mod tests;

pub use compare::compare;
pub use error::{Error, Result};
pub use forms::{Form, scores_so_far, terminal_summary};
pub use html::{PageState, ReportFiles, write_report};
pub use leaderboard::{
    ByLabelFraction, ByRegime, Estimate, Key, Leaderboard, Note, Pretraining, Row, RowScore, Seeds, Significance,
    SystemLeaderboard, Verdict,
};
pub use number::number;
pub use paper_table::PaperTable;
pub use standings::write_leaderboard;
pub use tensorboard::write_tensorboard;
