//! What titles and legends of tables have in common.

use physrep_records::{SuiteFacts, Track};

use crate::leaderboard::Leaderboard;

/// `shear_flow, frozen encoders (suite tiny v5, draw 0)`.
pub(super) fn title(leaderboard: &Leaderboard<'_>, of: &str, what: &str) -> String {
    format!("{of}, {what} ({})", suite(leaderboard.suite))
}

/// `suite tiny v5, draw 0`: a table names its draw, whichever it is.
pub(crate) fn suite(suite: &SuiteFacts) -> String {
    format!("suite {} v{}, draw {}", suite.name, suite.version, suite.draw)
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
pub(super) const EMPHASIS: &str = "Bold: the lowest error of an encoder; underlined: not significantly different from it, by paired tests \
                                   with Holm's correction for all encoders on the system by the same probe.";

/// The interval over test trajectories or seeds that follows a plus-minus sign, and what is in brackets behind it.
pub(super) fn interval(leaderboard: &Leaderboard<'_>) -> String {
    precision(leaderboard, "test trajectories")
}

/// The interval over `units` or seeds that follows a plus-minus sign, and what is in brackets behind it.
pub(super) fn precision(leaderboard: &Leaderboard<'_>, units: &str) -> String {
    let mut scores = leaderboard.rows().flat_map(|row| &row.scores);
    let fits = match scores.any(|score| score.test.fits_std.is_some()) {
        true => "; in brackets: the standard deviation over fits of the probe from other random weights",
        false => "",
    };
    match leaderboard.seeds() {
        0 | 1 => format!("95 % interval over {units}, one seed{fits}"),
        _ => format!("95 % t interval over seeds{fits}"),
    }
}
