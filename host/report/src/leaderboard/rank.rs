//! Ranks of the encoders of one system, and which of them are tied with the best.

use std::collections::BTreeMap;

use physrep_records::Track;
use physrep_statistics::{Errors, Resampler, compare, holm, is_significant, ranks};

use super::{estimate::errors, row::Row, significance::Significance};

/// Ranks the rows that compete, separately for each probe, and marks the best and those that are tied with it.
pub(super) fn rank(rows: &mut [Row<'_>], resampler: &Resampler) {
    let mut by_probe: BTreeMap<(Track, String), Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.competes()) {
        for score in &row.scores {
            by_probe.entry((score.track, score.probe.clone())).or_default().push(index);
        }
    }
    for ((track, probe), scored) in by_probe {
        rank_probe(rows, &scored, track, &probe, resampler);
    }
}

/// Ranks the rows `scored`, which have a score by `probe`. Comparisons of the best with every other one are a family.
fn rank_probe(rows: &mut [Row<'_>], scored: &[usize], track: Track, probe: &str, resampler: &Resampler) {
    let mse = |row: usize| rows[row].score(track, probe).map_or(f64::NAN, |score| score.test.mse);
    let errors_of = |row: usize| -> Errors { errors(&rows[row].records, track, probe, 1.0) };
    let Some(&best) = scored.iter().min_by(|&&a, &&b| mse(a).total_cmp(&mse(b))) else {
        return;
    };
    let (lowest, errors_of_best) = (mse(best), errors_of(best));
    let p = |row: usize| compare(&errors_of(row), &errors_of_best, resampler).and_then(|comparison| comparison.p());
    let family = holm(&scored.iter().map(|&row| if row == best { None } else { p(row) }).collect::<Vec<_>>());
    let significance = |(&row, p): (&usize, &Option<f64>)| match p {
        _ if row == best || mse(row) == lowest => Significance::Best,
        Some(p) if is_significant(*p) => Significance::Worse,
        _ => Significance::Tied,
    };
    let significances: Vec<Significance> = scored.iter().zip(&family).map(significance).collect();
    let ranks = ranks(&scored.iter().map(|&row| mse(row)).collect::<Vec<_>>());
    for ((&row, significance), rank) in scored.iter().zip(significances).zip(ranks) {
        let score = rows[row].scores.iter_mut().find(|score| score.track == track && score.probe == probe);
        if let Some(score) = score {
            (score.rank, score.significance) = (Some(rank), significance);
        }
    }
}
