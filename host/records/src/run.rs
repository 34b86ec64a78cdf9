//! The results of a run, from which tables, reports and comparisons are made.

use std::path::Path;

use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    folder::CellOutcome,
    identity::Identity,
    manifest::{ManifestCell, RunManifest},
    record::CellRecord,
};

/// The cells of a run and their outcomes, without what probes selected on the way, which is half of a record and in no table.
#[derive(Clone, Debug)]
pub struct RunResults {
    /// The cells, in the order of the table.
    pub cells: Vec<RunCell>,
}

/// A cell and its outcome.
#[derive(Clone, Debug)]
pub struct RunCell {
    /// The cell.
    pub identity: Identity,
    /// Its outcome.
    pub outcome: CellOutcome,
}

impl RunCell {
    /// The record, if the cell is done.
    pub fn record(&self) -> Option<&CellRecord> {
        self.outcome.record()
    }
}

impl RunResults {
    /// Reads the results of the run in folder `run`.
    ///
    /// # Errors
    ///
    /// If there is no run or only trials of a tuning, if a record cannot be read or belongs to another cell than the manifest says, or if cells of one system
    /// are of suites that differ in name, version or content.
    pub fn read(run: &Path) -> Result<Self> {
        Self::of(&RunManifest::read(run)?, run)
    }

    /// Reads the results of the cells of `manifest`, whose folders are in `run`.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn of(manifest: &RunManifest, run: &Path) -> Result<Self> {
        if manifest.cells.iter().any(|listed| listed.identity.trial.is_some()) {
            return Err(Error::Usage(format!(
                "{}: trials of a tuning, which have no test scores; the .json file beside this folder has what was chosen",
                run.display()
            )));
        }
        let read = |listed: &ManifestCell| {
            let folder = listed.folder(run);
            let mut outcome = folder.outcome()?;
            if let CellOutcome::Done(record) = &mut outcome {
                record.selections = Vec::new();
            }
            let found = outcome.record().map(|result| &result.identity);
            if found.is_some_and(|found| *found != listed.identity) {
                let reason = format!("a record of another cell than run.json says, which has {:?}", listed.identity);
                return Err(Error::File { path: folder.found_record().unwrap_or_else(|| folder.record()), reason });
            }
            Ok(RunCell { identity: listed.identity.clone(), outcome })
        };
        // All of them, so that the error is that of the first cell that has one.
        let cells: Vec<Result<RunCell>> = manifest.cells.par_iter().map(read).collect();
        let results = Self { cells: cells.into_iter().collect::<Result<_>>()? };
        check_suites(run, results.cells.iter().map(|cell| &cell.identity))?;
        Ok(results)
    }

    /// The cells of each system, systems in the order of the table.
    pub fn by_system(&self) -> Vec<(&str, Vec<&RunCell>)> {
        let mut systems: Vec<(&str, Vec<_>)> = Vec::new();
        for cell in &self.cells {
            match systems.iter_mut().find(|(system, _)| *system == cell.identity.system) {
                Some((_, cells)) => cells.push(cell),
                None => systems.push((&cell.identity.system, vec![cell])),
            }
        }
        systems
    }

    /// The number of cells without a record.
    pub fn incomplete(&self) -> usize {
        self.cells.iter().filter(|cell| cell.record().is_none()).count()
    }
}

/// Checks that one table can hold `cells`, which are of the run in folder `run`: all of one version and one draw of a suite, and those of
/// one system of suites that do not differ at all.
///
/// # Errors
///
/// [`Error::Usage`] if it cannot.
pub fn check_suites<'c>(run: &Path, cells: impl Iterator<Item = &'c Identity>) -> Result<()> {
    let mut seen: Vec<&Identity> = Vec::new();
    for cell in cells {
        let version = |cell: &Identity| (cell.suite.name.clone(), cell.suite.version, cell.suite.draw);
        let differs = |known: &&&Identity| {
            version(known) != version(cell) || (known.system == cell.system && known.suite != cell.suite)
        };
        if let Some(known) = seen.iter().find(differs) {
            return Err(Error::Usage(different_suites(run, known, cell)));
        }
        if seen.iter().all(|known| known.system != cell.system) {
            seen.push(cell);
        }
    }
    Ok(())
}

fn different_suites(run: &Path, one: &Identity, other: &Identity) -> String {
    let (a, b) = (&one.suite, &other.suite);
    let advice = match (&a.name, a.version) == (&b.name, b.version) && a.draw != b.draw {
        true => "; merge the runs of each draw, and compare the two with `physrep-bench compare`",
        false => "",
    };
    let name = |cell: &Identity| format!("{} ({} on {})", cell.suite, cell.suite.checksum, cell.system);
    format!(
        "{}: results are of suites that differ, {} and {}; a table compares rows of one draw of one version of one suite{advice}",
        run.display(),
        name(one),
        name(other)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Initialisation, SuiteFacts};

    fn cell(system: &str, draw: u64, checksum: &str) -> Identity {
        Identity {
            key: "key".into(),
            suite: SuiteFacts { name: "tiny".into(), version: 5, draw, checksum: checksum.into() },
            system: system.into(),
            method: "jepa".into(),
            initialisation: Initialisation::Pretrained,
            seed: 0,
            trial: None,
        }
    }

    #[test]
    fn one_table_holds_one_draw_and_what_is_said_of_a_system_is_the_same() {
        let check = |cells: [Identity; 3]| check_suites(Path::new("out"), cells.iter()).map_err(|e| e.to_string());
        assert_eq!(check([cell("a", 0, "1"), cell("b", 0, "2"), cell("a", 0, "1")]), Ok(()));
        let edited = check([cell("a", 0, "1"), cell("b", 0, "2"), cell("a", 0, "3")]).expect_err("refused");
        assert!(edited.contains("suites that differ, tiny v5 (1 on a) and tiny v5 (3 on a)"), "{edited}");
        assert!(!edited.contains("each draw"), "{edited}");
        let drawn = check([cell("a", 0, "1"), cell("a", 0, "1"), cell("b", 7, "2")]).expect_err("refused");
        assert!(drawn.contains("tiny v5 (1 on a) and tiny v5, draw 7 (2 on b)"), "{drawn}");
        assert!(
            drawn.ends_with("merge the runs of each draw, and compare the two with `physrep-bench compare`"),
            "{drawn}"
        );
    }
}
