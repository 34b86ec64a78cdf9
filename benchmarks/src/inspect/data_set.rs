//! Checks across the files of a data set.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::data_path::DataSet;
use super::findings::{Finding, Severity};
use super::report::{Contents, Report};
use super::{settings_check, statistics_check};
use crate::generate::GenerationSettings;
use crate::split::Split;

/// The findings about a data set as a whole, each with the file or folder it is about. `reports` are those of its
/// files, with values, by path.
///
/// Trajectories that occur twice, in one split or in two; files that differ in more than parameters; channels that vary
/// in some files only; `stats.yaml` and `generated.json` that differ from the files; leftovers of an interrupted
/// generation.
pub fn check_data_set(set: &DataSet, reports: &HashMap<PathBuf, Report>) -> Vec<(PathBuf, Finding)> {
    let read = |(split, path): &(Split, PathBuf)| {
        let contents = reports.get(path)?.contents.as_ref()?;
        Some(File { split: *split, path: path.clone(), contents })
    };
    let files: Vec<File<'_>> = set.files.iter().filter_map(read).collect();
    let mut found = Found::default();
    let train = set.files.iter().filter(|(split, _)| *split == Split::Train).count();
    if train == 0 {
        found.add(&set.folder, Finding::error("data/train", "expected .hdf5 files, found none"));
    }
    leftovers(set, &mut found);
    uniform(&files, &mut found);
    repeats(&files, &mut found);
    constants(&files, &mut found);

    let settings = GenerationSettings::file(&set.folder);
    let generated = match GenerationSettings::read(&set.folder) {
        Ok(generated) => generated,
        Err(problem) => {
            found.add(&settings, Finding::of(&problem));
            None
        }
    };
    if let Some(generated) = &generated {
        settings_check::check_key(generated).into_iter().for_each(|finding| found.add(&settings, finding));
        for file in &files {
            let findings = settings_check::check_file(generated, file.contents);
            findings.into_iter().for_each(|finding| found.add(&file.path, finding));
        }
    }

    let path = set.folder.join("stats.yaml");
    let trained: Vec<&Contents> = files.iter().filter(|f| f.split == Split::Train).map(|f| f.contents).collect();
    let whole = trained.len() == train && trained.iter().all(|contents| contents.is_read());
    if !path.exists() {
        let severity = if generated.is_some() { Severity::Error } else { Severity::Warning };
        found.add(
            &path,
            Finding { severity, ..Finding::error("", "expected the training split's statistics, found no file") },
        );
    } else if whole {
        statistics_check::check(&path, &trained).into_iter().for_each(|finding| found.add(&path, finding));
    }
    found.0
}

struct File<'a> {
    split: Split,
    path: PathBuf,
    contents: &'a Contents,
}

#[derive(Default)]
struct Found(Vec<(PathBuf, Finding)>);

impl Found {
    fn add(&mut self, path: &Path, finding: Finding) {
        self.0.push((path.into(), finding));
    }
}

/// Leftovers of an interrupted generation or writer.
fn leftovers(set: &DataSet, found: &mut Found) {
    let parts = set.folder.join(".parts");
    if parts.exists() {
        let message =
            "expected complete data, found those of an interrupted generation; generate the data again to complete it";
        found.add(&parts, Finding::error("", message));
    }
    for split in Split::ALL {
        let entries = fs::read_dir(set.folder.join("data").join(split.name())).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "unfinished"))
        {
            found.add(&path, Finding::warning("", "left by an interrupted writer; harmless, remove it at will"));
        }
    }
}

/// Files differ in parameters and in how many trajectories they have, and in nothing else.
fn uniform(files: &[File<'_>], found: &mut Found) {
    let Some(first) = files.first() else { return };
    let name = |file: &File<'_>| file.contents.dataset.clone();
    let grid = |file: &File<'_>| {
        let axes = file.contents.axes.iter().map(|a| format!("{} ({} points, {:?})", a.name, a.points, a.boundary));
        axes.collect::<Vec<_>>().join(", ")
    };
    let fields = |file: &File<'_>| {
        let fields = file.contents.fields.iter().map(|f| format!("{} ({:?})", f.name, f.rank));
        fields.collect::<Vec<_>>().join(", ")
    };
    let parameters =
        |file: &File<'_>| file.contents.parameters.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
    let times = |file: &File<'_>| {
        format!("{} from {} to {}", file.contents.frames, file.contents.times[0], file.contents.times[1])
    };
    type Aspect<'a> = (&'a str, &'a dyn Fn(&File<'_>) -> String);
    let aspects: [Aspect<'_>; 5] = [
        ("@dataset_name", &name),
        ("dimensions", &grid),
        ("fields", &fields),
        ("scalars", &parameters),
        ("dimensions/time", &times),
    ];
    for file in &files[1..] {
        for (place, aspect) in aspects {
            let (expected, there) = (aspect(first), aspect(file));
            if expected != there {
                let message = format!("expected {expected}, as in {}, found {there}", first.path.display());
                found.add(&file.path, Finding::error(place, message));
            }
        }
    }
}

/// A trajectory in two splits would leak from training into the scores. Repeats within a file are in its report.
fn repeats(files: &[File<'_>], found: &mut Found) {
    let mut seen: HashMap<&str, (&File<'_>, usize)> = HashMap::new();
    for file in files {
        for (index, hash) in file.contents.hashes.iter().enumerate() {
            let Some(hash) = hash else { continue };
            let (first, there) = *seen.entry(hash).or_insert((file, index));
            if first.path != file.path {
                let message = format!(
                    "expected a trajectory that occurs once, found the values of trajectory {there} of {} ({} split)",
                    first.path.display(),
                    first.split
                );
                found.add(&file.path, Finding::error(format!("trajectory {index}"), message));
            }
        }
    }
}

/// A channel may be constant in all files, such as the concentration of an incompressible active fluid; one that varies
/// in other files may not.
fn constants(files: &[File<'_>], found: &mut Found) {
    let channels = || files.iter().flat_map(|file| file.contents.channels.iter().map(move |channel| (file, channel)));
    for (file, channel) in channels().filter(|(_, channel)| channel.constant) {
        if channels().any(|(_, other)| other.name == channel.name && !other.constant) {
            let message =
                "expected it to vary in space as in other files, found the same value everywhere in every frame";
            found.add(&file.path, Finding::error(&channel.name, message));
        } else {
            let message = "the same value everywhere in every frame; fine if the system keeps it constant";
            found.add(&file.path, Finding::warning(&channel.name, message));
        }
    }
}
