//! The head of the page: what the numbers mean, and which cells have no result.

use maud::{Markup, html};

use super::page_state::PageState;
use crate::{
    figures::spaced,
    leaderboard::{Leaderboard, Note},
};

/// What the numbers mean, and what is missing.
pub(super) fn lead(leaderboard: &Leaderboard<'_>, state: PageState) -> Markup {
    let missing = missing_cells(leaderboard);
    html! {
        p class="lead" {
            "Encoders are pretrained without labels on simulated trajectories of physical systems, then frozen. Standard probes of limited \
             capacity estimate the governing parameters from the embeddings. Each score is the mean squared error of these estimates on test \
             trajectories, for labels of variance 1: 0 is perfect, 1 is the score of predicting the mean, and lower is better."
        }
        @if state == PageState::Running {
            p class="lead" { "The run goes on, and this page shows what there is: it loads itself again every ten seconds." }
        }
        @if !missing.is_empty() {
            div class="warning" {
                p {
                    @if missing.len() == 1 { "1 cell has no result" } @else { (missing.len()) " cells have no result" }
                    @if state == PageState::Running { " yet" }
                }
                ul { @for cell in &missing { li { (cell) } } }
            }
        }
    }
}

/// Every cell without a record, with the reason.
fn missing_cells(leaderboard: &Leaderboard<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    for system in &leaderboard.systems {
        for row in &system.rows {
            let notes = row.notes.iter().filter(|note| Note::is_missing_cell(note));
            missing.extend(notes.map(|note| format!("{} on {}, {note}", row.name(), spaced(system.name))));
        }
    }
    missing
}
