//! What titles and legends of tables have in common.

use physrep_records::Track;

use crate::leaderboard::Leaderboard;

/// `shear_flow, frozen encoders (suite tiny v4)`.
pub(super) fn title(leaderboard: &Leaderboard<'_>, of: &str, what: &str) -> String {
    format!("{of}, {what} (suite {} v{})", leaderboard.suite.name, leaderboard.suite.version)
}

/// Which encoders the scores of a track are of.
pub(super) fn encoders(track: Track) -> &'static str {
    match track {
        Track::Frozen => "frozen encoders",
        Track::EndToEnd => "encoders trained end to end with labels",
    }
}

/// What a row at random initialisation stands for in a track, where that is not plain.
pub(super) fn random_initialisation(track: Track) -> &'static str {
    match track {
        Track::Frozen => "",
        Track::EndToEnd => " Random init: supervised training only.",
    }
}

/// How scores are emphasised.
pub(super) const EMPHASIS: &str = "Bold: the lowest; underlined: not significantly different from it.";

/// The interval that follows a plus-minus sign.
pub(super) fn interval(leaderboard: &Leaderboard<'_>) -> &'static str {
    match leaderboard.seeds() {
        0 | 1 => "95 % interval over test trajectories, one seed",
        _ => "95 % t interval over seeds",
    }
}
