//! Ranks of the encoders of one system, and which of them are tied with the best.

use std::collections::BTreeMap;

use physrep_records::Track;
use physrep_statistics::{Errors, Resampler, compare, ranks};

use super::{notes::Note, row::Row, score::errors, significance::Significance};

/// Ranks the rows with an encoder, separately for each probe, and marks the best and those that are tied with it. Rows of the same
/// encoder count once: all but the first of them get a note, and the rank of the first.
pub(super) fn rank(rows: &mut [Row<'_>], resampler: &Resampler) {
    let originals: Vec<usize> = (0..rows.len()).map(|row| original(rows, row)).collect();
    for (row, &original) in originals.iter().enumerate().filter(|(row, original)| row != *original) {
        let other = rows[original].name();
        rows[row].notes.push(Note::SameEncoder { other });
    }
    let mut by_probe: BTreeMap<(Track, String), Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| !row.is_floor()) {
        for score in &row.scores {
            by_probe.entry((score.track, score.probe.clone())).or_default().push(index);
        }
    }
    for ((track, probe), scored) in by_probe {
        rank_probe(rows, &scored, &originals, track, &probe, resampler);
    }
}

/// Ranks the rows `scored`, which have a score by `probe`.
fn rank_probe(
    rows: &mut [Row<'_>],
    scored: &[usize],
    originals: &[usize],
    track: Track,
    probe: &str,
    resampler: &Resampler,
) {
    let mse = |row: usize| rows[row].score(track, probe).map_or(f64::NAN, |score| score.mean.mse);
    let errors_of = |row: usize| -> Errors { errors(&rows[row].records, track, probe, 1.0) };
    let distinct: Vec<usize> = scored.iter().copied().filter(|&row| originals[row] == row).collect();
    let Some(&best) = distinct.iter().min_by(|&&a, &&b| mse(a).total_cmp(&mse(b))) else {
        return;
    };
    let ranks = ranks(&distinct.iter().map(|&row| mse(row)).collect::<Vec<_>>());
    let (lowest, errors_of_best) = (mse(best), errors_of(best));
    let significance = |row: usize| {
        let differs = || compare(&errors_of(row), &errors_of_best, resampler).is_some_and(|c| c.is_significant());
        match row == best || mse(row) == lowest {
            true => Significance::Best,
            false if differs() => Significance::Worse,
            false => Significance::Tied,
        }
    };
    let ranked: Vec<(usize, Option<f64>, Significance)> = scored
        .iter()
        .map(|&row| {
            let place = distinct.iter().position(|&other| other == originals[row]);
            (row, place.map(|place| ranks[place]), significance(row))
        })
        .collect();
    for (row, rank, significance) in ranked {
        let score = rows[row].scores.iter_mut().find(|score| score.track == track && score.probe == probe);
        if let Some(score) = score {
            (score.rank, score.significance) = (rank, significance);
        }
    }
}

/// The first row of the same encoder, which may be the row itself.
fn original(rows: &[Row<'_>], row: usize) -> usize {
    (0..row).find(|&other| same_encoder(&rows[other], &rows[row])).unwrap_or(row)
}

/// Whether two rows have, seed by seed, encoders with the same checksum and the same scores to the last digit.
fn same_encoder(a: &Row<'_>, b: &Row<'_>) -> bool {
    !a.records.is_empty()
        && a.records.len() == b.records.len()
        && a.records.iter().zip(&b.records).all(|(a, b)| {
            let checksums = a.encoder.as_ref().zip(b.encoder.as_ref()).map(|(a, b)| (&a.checksum, &b.checksum));
            let same_checksum = checksums.is_some_and(|(a, b)| a == b);
            same_checksum && a.identity.seed == b.identity.seed && a.scores == b.scores
        })
}
