//! Writes that fail: a command ends with an error that says so, or none of its files shows it; and run again, it gives the files of an
//! undisturbed one.
//!
//! `PHYSREP_WRITES=300 cargo test --release --test end_to_end writes -- --nocapture` lets 300 fail and prints what came of them.

mod commands;
#[cfg(target_os = "linux")]
mod failing_calls;
#[cfg(target_os = "linux")]
mod full_disk;
mod regressions;
mod streams;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{Output, files_below};

/// How many writes fail, unless that is `few`.
fn rounds(few: u64) -> u64 {
    env::var("PHYSREP_WRITES").map_or(few, |rounds| rounds.parse().expect("a number of writes that fail"))
}

/// What was written, by path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The files below some folders of `project`, without its path; those that tell the time without their content.
fn written(project: &Path, folders: &[&str]) -> Files {
    let all = folders.iter().flat_map(|folder| {
        let path = project.join(folder);
        let below = files_below(&path).into_iter().map(|(name, file)| (Path::new(folder).join(name), file));
        let itself = path.is_file().then(|| (PathBuf::from(folder), path.clone()));
        below.chain(itself).collect::<Vec<_>>()
    });
    let content = |file: &Path| {
        if ["log.txt", "status.json"].iter().any(|name| file.ends_with(name)) {
            return Vec::new();
        }
        let text = String::from_utf8(fs::read(file).expect("readable"));
        text.map_or_else(
            |binary| binary.into_bytes(),
            |text| text.replace(&*project.to_string_lossy(), "").into_bytes(),
        )
    };
    all.map(|(name, file)| (name, content(&file))).collect()
}

/// The same without times, and without files that are made of those with times.
fn timeless(files: &Files) -> Files {
    let is_view = |path: &Path| {
        path.components().any(|part| part.as_os_str() == "report")
            || ["md", "tex"].iter().any(|end| path.extension() == Some(end.as_ref()))
    };
    let content = |path: &Path, bytes: &[u8]| {
        if is_view(path) {
            return Vec::new();
        }
        let Ok(Value::Object(mut record)) = serde_json::from_slice(bytes) else { return bytes.to_vec() };
        for timed in ["cost", "environment", "pretrain", "encode", "digest"] {
            record.remove(timed);
        }
        let trials = record.get_mut("trials").and_then(Value::as_array_mut).into_iter().flatten();
        trials.filter_map(Value::as_object_mut).for_each(|trial| drop(trial.remove("seconds")));
        Value::Object(record).to_string().into_bytes()
    };
    files.iter().map(|(path, bytes)| (path.clone(), content(path, bytes))).collect()
}

/// Whether a file is complete as soon as it has its name, is not made from what else there is, and stays.
fn is_published(path: &Path) -> bool {
    let growing = ["curves.jsonl", "checkpoint.bin", "failure.json", "scores.csv", "tune/hostile.json"];
    let grows = growing.iter().any(|name| path.ends_with(name));
    let passes = path.iter().any(|part| part == "tune") && path.file_stem().is_some_and(|stem| stem == "embeddings");
    let is_hidden = path.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
    !grows && !passes && !is_hidden
}

/// Checks what came of a command of which a write failed for the reason `error`; `again` runs it once more, `whole` are the files of an
/// undisturbed one.
fn check(
    place: &str,
    first: &Output,
    error: &str,
    whole: &Files,
    files: impl Fn() -> Files,
    again: impl FnOnce() -> Output,
) {
    let said = format!("{place}: {:?}\n{}\n{}", first.code, first.out, first.err);
    assert!(matches!(first.code, Some(0 | 1 | 3)) && !first.err.contains("panicked"), "{said}");
    let reason = first.code == Some(0) || first.err.lines().any(|line| line.contains(error));
    assert!(reason, "another reason than {error:?}; {said}");
    let before = files();
    for (path, content) in timeless(&before).iter().filter(|(path, _)| is_published(path)) {
        assert!(whole.get(path) == Some(content), "{} is wrong; {said}", path.display());
    }
    let second = again();
    assert_eq!(second.code, Some(0), "the second time: {}\n{}; {said}", second.out, second.err);
    let after = files();
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(whole), "{said}");
    for (path, content) in timeless(&after) {
        assert!(content == whole[&path], "{} differs in the end; {said}", path.display());
    }
    if first.code == Some(0) {
        let differs: Vec<_> = before.iter().filter(|(path, bytes)| after.get(*path) != Some(*bytes)).collect();
        let differs: Vec<_> = differs.into_iter().map(|(path, _)| path).filter(|path| is_published(path)).collect();
        assert!(differs.is_empty(), "{differs:?} were not as they should be; {said}");
    }
}
