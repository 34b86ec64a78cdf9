//! Whether two records may be compared.

use physrep_benchmarks::{Split, suite::Suite};
use physrep_records::{CellRecord, SuiteFacts};

use crate::error::{Error, Result};

/// On one draw, errors are paired trajectory by trajectory, so both records must be of the same suite and of the same trajectories.
pub(super) fn on_one_draw(a: &CellRecord, b: &CellRecord) -> Result<()> {
    if a.identity.suite != b.identity.suite {
        return Err(differ(a, b));
    }
    if a.splits.get(&Split::Test) != b.splits.get(&Split::Test) {
        return Err(Error::Usage(format!(
            "{}: expected the same test trajectories with the same labels in both runs, but they differ",
            a.identity.system
        )));
    }
    Ok(())
}

/// On two draws, both records must be of suites that differ in the draw alone, and be scored by one version of the protocol.
pub(super) fn on_two_draws(a: &CellRecord, b: &CellRecord) -> Result<()> {
    let (one, two) = (published(a)?, published(b)?);
    if one == two { Ok(()) } else { Err(differ(a, b)) }
}

/// The facts of the record's suite on draw 0.
fn published(record: &CellRecord) -> Result<SuiteFacts> {
    let (found, system) = (&record.identity.suite, &record.identity.system);
    let suite: Option<Suite> = serde_json::from_value(record.recipe.suite.clone()).ok();
    let suite = suite.filter(|suite| SuiteFacts::of(suite, system) == *found).ok_or_else(|| {
        Error::Usage(format!(
            "{system}: expected records of this version of the protocol to compare two draws, but that of {} on {found} is of another one; \
             run it again with this program",
            record.identity.method
        ))
    })?;
    Ok(SuiteFacts::of(&Suite { draw: 0, ..suite }, system))
}

fn differ(a: &CellRecord, b: &CellRecord) -> Error {
    let (one, two) = (&a.identity.suite, &b.identity.suite);
    Error::Usage(format!(
        "{}: expected two runs of one suite, but they are of {one} ({}) and {two} ({})",
        a.identity.system, one.checksum, two.checksum
    ))
}
