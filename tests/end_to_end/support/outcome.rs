//! What must not depend on what happened to a run.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::files_below;

/// The files of a run's cells, without times and logs.
pub fn outcome(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files_below(run);
    files.retain(|path, _| path.starts_with("cells") && !path.ends_with("log.txt") && !path.ends_with(".lock"));
    let content = |path: &Path| {
        let bytes = fs::read(path).expect("readable");
        let Ok(Value::Object(mut record)) = serde_json::from_slice(&bytes) else { return bytes };
        for timed in ["cost", "environment", "pretrain", "encode", "digest"] {
            record.remove(timed);
        }
        Value::Object(record).to_string().into_bytes()
    };
    files.into_iter().map(|(name, path)| (name, content(&path))).collect()
}

/// Asserts that a run ended as the undisturbed one did, with the same files, and no others.
#[track_caller]
pub fn assert_same_outcome(run: &Path, undisturbed: &BTreeMap<PathBuf, Vec<u8>>, after: &str) {
    let ended = outcome(run);
    let names = |outcome: &BTreeMap<PathBuf, Vec<u8>>| outcome.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ended), names(undisturbed), "the files of {}, {after}", run.display());
    for (name, content) in &ended {
        assert!(*content == undisturbed[name], "{} of {} differs, {after}", name.display(), run.display());
    }
}
