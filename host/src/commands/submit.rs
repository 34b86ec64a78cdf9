//! `physrep-bench submit`: a run as a folder for the leaderboard.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use physrep_records::{Identity, RunCell, RunManifest, RunResults, files};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    finish::write_results,
    merge::merge,
    verify_result::{Settings, Verdict},
};
use crate::{
    arguments::RunFolder,
    error::{Error, Result},
    output::say,
    submission::{self, CARDS},
    whole_folder::make_whole,
};

/// What to submit.
#[derive(Debug, Args)]
pub struct Submit {
    #[command(flatten)]
    run: RunFolder,
    /// The folder to make; it must not exist, or be empty.
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    out: Option<PathBuf>,
    /// How many cells, drawn at random, are run again and compared with their records before.
    #[arg(long, default_value_t = 1, value_name = "CELLS")]
    verify: usize,
    /// Check a folder that is made, instead of making one.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["run", "out"])]
    check: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// What `submission.json` says.
#[derive(Serialize)]
struct Submission {
    /// The program that made the folder.
    program: String,
    /// The cells that were run again.
    verified: Vec<Verified>,
}

#[derive(Serialize)]
struct Verified {
    key: String,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Submit {
    /// Makes the folder, or checks it.
    pub fn run(self) -> Result<ExitCode> {
        if let Some(folder) = &self.check {
            submission::check(folder)?;
            say!("{}: complete, and its records are as they were written", folder.display());
            return Ok(ExitCode::SUCCESS);
        }
        let Some(out) = &self.out else { return Err(Error::Usage("expected --out DIR, or --check DIR".into())) };
        let run = self.run.clone().path()?;
        let results = RunResults::read(&run)?;
        submission::check_finished(&run, &results)?;
        submission::check_suite(&run, &results)?;
        let Some(verified) = self.verified(&run, &results)? else { return Ok(ExitCode::FAILURE) };

        merge(out, std::slice::from_ref(&run), true)?;
        make_whole(out, || complete(out, verified))?;
        say!("{}: {} cells", out.display(), results.cells.len());
        say!(
            "next: describe each method in {}/{CARDS}/, then: physrep-bench submit --check {}",
            out.display(),
            out.display()
        );
        Ok(ExitCode::SUCCESS)
    }

    /// Runs cells again; none if a score is not the recorded one.
    fn verified(&self, run: &Path, results: &RunResults) -> Result<Option<Vec<Verified>>> {
        let mut verified = Vec::new();
        for (cell, file) in drawn(run, results, self.verify)? {
            say!("running again: {} on {}, seed {}", cell.method, cell.system, cell.seed);
            let verdict = self.settings.verify(&file)?;
            if !verdict.agrees {
                return Ok(None);
            }
            verified.push(Verified { key: cell.key.clone(), verdict });
        }
        Ok(Some(verified))
    }
}

/// Adds to a merged run what a submission has beside it.
fn complete(out: &Path, verified: Vec<Verified>) -> Result<()> {
    let program = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    files::write_json(&out.join("submission.json"), &Submission { program, verified })?;
    let results = RunResults::read(out)?;
    write_results(&results, out)?;
    for method in submission::methods(&results) {
        let card = submission::card(&method, &results);
        files::write(&out.join(CARDS).join(format!("{method}.md")), card.as_bytes())?;
    }
    Ok(())
}

/// `count` cells that are done, and the files of their records. Which ones follows from the scores: the same run has the same drawn.
fn drawn<'a>(run: &Path, results: &'a RunResults, count: usize) -> Result<Vec<(&'a Identity, PathBuf)>> {
    let done: Vec<&RunCell> = results.cells.iter().filter(|cell| cell.record().is_some()).collect();
    let mut all = Sha256::new();
    for record in done.iter().filter_map(|cell| cell.record()) {
        all.update(serde_json::to_vec(&record.scores).unwrap_or_default());
    }
    let all = all.finalize();
    let mut order: Vec<_> = done
        .iter()
        .map(|cell| (Sha256::new().chain_update(all).chain_update(&cell.identity.key).finalize(), &cell.identity))
        .collect();
    order.sort_by_key(|(hash, _)| *hash);
    let manifest = RunManifest::read(run)?;
    let file = |identity: &Identity| {
        let listed = manifest.cells.iter().find(|listed| listed.identity == *identity)?;
        listed.folder(run).found_record()
    };
    Ok(order.into_iter().take(count).filter_map(|(_, identity)| Some((identity, file(identity)?))).collect())
}
