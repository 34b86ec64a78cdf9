//! The scores of one system: one line per encoder, one column per probe.

use physrep_records::Track;

use super::{
    footnotes::Footnotes,
    lines::ruled,
    table::{Column, Entry, Line, Table},
    wording::{EMPHASIS, encoders, interval, random_initialisation, title},
};
use crate::leaderboard::{Leaderboard, SystemLeaderboard};

/// The table; none for a track without scores.
pub(crate) fn table(leaderboard: &Leaderboard<'_>, system: &SystemLeaderboard<'_>, track: Track) -> Option<Table> {
    let probes = system.probes(track);
    let mut columns = vec![Column::text("method")];
    columns.extend(probes.iter().map(|probe| Column::number(*probe)));
    let mut footnotes = Footnotes::default();
    let mut lines = Vec::new();
    for (row, ruled) in ruled(system) {
        // The mean of the training labels is no probe's estimate: it stands under each probe.
        let score = |probe: &str| row.score(track, probe).or_else(|| row.score(track, "mean"));
        // A row without any score stands in the table of the first track, with the reason.
        if row.scores.iter().all(|score| score.track != track) && (track != Track::Frozen || !row.scores.is_empty()) {
            continue;
        }
        let mut entries = vec![footnotes.named(row.name(), row.notes.iter().map(ToString::to_string))];
        entries.extend(probes.iter().map(|probe| Entry::score(score(probe))));
        lines.push(Line { entries, ruled });
    }
    let legend = format!(
        "MSE of labels on the test split by each probe, 1 = predicting the mean, ± {}. {EMPHASIS}{}",
        interval(leaderboard),
        random_initialisation(track)
    );
    let title = title(leaderboard, system.name, encoders(track));
    (!lines.is_empty()).then(|| Table { title, legend, columns, lines, notes: footnotes.into_lines() })
}
