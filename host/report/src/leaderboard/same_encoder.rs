//! Rows of the same encoder, such as two methods that share an architecture at random initialisation.

use super::row::Row;

/// Every encoder once: a row of the same encoder as one before it joins that one.
pub(super) fn joined<'a>(rows: impl Iterator<Item = Row<'a>>) -> Vec<Row<'a>> {
    let mut distinct: Vec<Row<'_>> = Vec::new();
    for row in rows {
        match distinct.iter_mut().find(|known| same_encoder(known, &row)) {
            Some(known) => known.join(row),
            None => distinct.push(row),
        }
    }
    distinct
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
