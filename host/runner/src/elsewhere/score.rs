//! Makes cells of embeddings that were made elsewhere: checks their files and puts them where a cell finds the embeddings of a method.

use std::path::{Path, PathBuf};

use physrep_benchmarks::{Split, packed::Packed, suite::Suite};
use physrep_records::{Cell, Device, EncoderSpec, RunManifest, SuiteFacts, check_suites, files};

use super::{coverage, identifiers::identifiers, returned::ReturnedEmbeddings};
use crate::{
    data::{DataFolders, prepare_data, write_samples},
    error::{Error, Result, plain},
    events::DataProgress,
    probe_library::ProbePlacement,
    stages::{
        embedded_splits::EmbeddedSplits,
        embedding_cache::{CachedEmbeddings, EmbeddingCache},
        order::EncodingOrder,
    },
};

/// A row of embeddings that were made elsewhere, on the systems of some files.
#[derive(Clone, Debug)]
pub struct ScoreTask {
    /// The row's name.
    pub name: String,
    /// What their author says of them.
    pub about: Option<String>,
    /// The seed of the row's cells.
    pub seed: u64,
    /// The files. The name of each is that of its system, or it is given as `SYSTEM=FILE`.
    pub files: Vec<PathBuf>,
}

/// The data folder, and where probes are fitted.
#[derive(Clone, Debug)]
pub struct ScoringSettings {
    /// Where the data are.
    pub data: DataFolders,
    /// The device that trained probes are fitted on.
    pub device: Device,
    /// Threads that generate data.
    pub threads: usize,
}

impl ScoreTask {
    /// The cells of the row, whose embeddings are then in the folder `run` and listed in its manifest. Nothing is written unless every file
    /// has each window of its system exactly once.
    ///
    /// # Errors
    ///
    /// If a file is not as it must be, if its windows are not those of the suite and of the data, or if the run is of another suite.
    pub fn import(
        &self,
        suite: &Suite,
        settings: &ScoringSettings,
        run: &Path,
        listener: &(dyn Fn(DataProgress<'_>) + Sync),
    ) -> Result<Vec<Cell>> {
        check_name(&self.name)?;
        let files = self.systems(suite)?;
        let probe_library = ProbePlacement::WithMethods.library(settings.device, &|_| ())?;
        let mut imported = Vec::new();
        for (system, file) in &files {
            // Before the data, which may take long: a file that is wrong is refused at once.
            let returned = ReturnedEmbeddings::read(file)?;
            let source = prepare_data(suite, system, &settings.data, settings.threads, listener)?;
            let cache = EmbeddingCache::of(&embedded(suite, &Packed::open(&source.path)?, returned)?)?;
            let about = self.about.as_deref().map(plain);
            let cell = Cell {
                suite: suite.clone(),
                data: source,
                joint: Vec::new(),
                encoder: EncoderSpec::Elsewhere {
                    name: self.name.clone(),
                    checksum: cache.checksum().to_owned(),
                    about,
                },
                seed: self.seed,
                trial: None,
                device: settings.device,
                probe_library: probe_library.clone(),
            };
            imported.push((cell, cache));
        }
        let mut manifest = RunManifest::read_or_new(run)?;
        for (cell, _) in &imported {
            manifest.put(cell);
        }
        check_suites(run, manifest.cells.iter().map(|listed| &listed.identity))?;
        for (cell, cache) in &imported {
            let folder = cell.folder(run);
            files::write_json(&folder.spec(), cell)?;
            cache.save(CachedEmbeddings::default(), &folder)?;
            write_samples(suite, &cell.data, run)?;
        }
        manifest.write(run)?;
        Ok(imported.into_iter().map(|(cell, _)| cell).collect())
    }

    /// The system and the path of each file.
    fn systems(&self, suite: &Suite) -> Result<Vec<(String, PathBuf)>> {
        let known: Vec<&str> = suite.systems.iter().map(|system| system.name.as_str()).collect();
        let mut files: Vec<(String, PathBuf)> = Vec::new();
        for file in &self.files {
            let said = file.to_str().and_then(|text| text.split_once('=')).filter(|(system, _)| known.contains(system));
            let stem = file.file_stem().and_then(|stem| stem.to_str());
            let (system, path) = match said {
                Some((system, path)) => (system, PathBuf::from(path)),
                None => (stem.unwrap_or_default(), file.clone()),
            };
            if !known.contains(&system) {
                return Err(Error::Usage(format!(
                    "{}: expected a file that is called as a system of suite {}, such as {}.npz, or SYSTEM=FILE; its systems are: {}",
                    file.display(),
                    suite.name,
                    known.first().unwrap_or(&"SYSTEM"),
                    known.join(", ")
                )));
            }
            if files.iter().any(|(other, _)| other == system) {
                return Err(Error::Usage(format!(
                    "{}: expected one file of {system}, but this is the second",
                    file.display()
                )));
            }
            files.push((system.to_owned(), path));
        }
        Ok(files)
    }
}

/// The embeddings of a file by split, with the labels that `data` has.
fn embedded(suite: &Suite, data: &Packed, returned: ReturnedEmbeddings) -> Result<EmbeddedSplits> {
    let (order, facts) = (EncodingOrder::of(suite, data, &Split::ALL), SuiteFacts::of(suite, &data.header().system));
    let identifiers = identifiers(&facts, data, &order.windows());
    let embeddings = coverage::in_order_of(&identifiers, &returned, &facts, data)?;
    drop(returned);
    order.by_split(data, &embeddings)
}

/// Checks that `name` can be the name of a row, and of a folder.
fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if name.len() > 64 || !starts || !name.chars().all(allowed) {
        return Err(Error::Usage(format!(
            "--name {name:?}: expected up to 64 lower-case letters, digits, - and _, beginning with a letter, such as dinov2"
        )));
    }
    if [EncoderSpec::Features, EncoderSpec::Mean].iter().any(|floor| floor.method() == name) {
        return Err(Error::Usage(format!("--name {name}: that is the name of a floor; choose another")));
    }
    Ok(())
}
