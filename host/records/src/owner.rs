//! Marks in the names of temporary files that say which process made them, so that what a dead one has left can be removed while others
//! are at work beside it, on this machine or on another.

use std::{
    fs,
    path::Path,
    process,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

/// After this long, what a process of another machine has left is taken for that of a dead one.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

/// This machine since it was started, and the numbering of its processes: a container has one of its own.
static MACHINE: LazyLock<String> = LazyLock::new(|| {
    let boot = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let processes = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&boot).update(processes.as_os_str().as_encoded_bytes());
    hasher.finalize().to_hex()[..8].to_owned()
});

/// The mark of this process: `MACHINE-NUMBER`.
pub(crate) fn mark() -> String {
    format!("{}-{}", *MACHINE, process::id())
}

/// Whether the process with this mark, which made the file or folder at `path`, has ended. What has no mark was made by nobody who lives.
pub(crate) fn has_ended(mark: &str, path: &Path) -> bool {
    let mut parts = mark.split('-');
    match (parts.next(), parts.next().and_then(|number| number.parse::<u32>().ok())) {
        (Some(machine), Some(number)) if machine == *MACHINE => !Path::new("/proc").join(number.to_string()).exists(),
        (Some(_), Some(_)) => {
            let modified = fs::metadata(path).and_then(|found| found.modified());
            let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
            age.is_some_and(|age| age > FORGOTTEN)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_dead_have_left_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let ended = |mark: &str| has_ended(mark, folder.path());
        assert!(!ended(&mark()) && !ended(&format!("{}-more", mark())));
        let mut child = process::Command::new("true").spawn().expect("a process");
        child.wait().expect("an end");
        assert!(ended(&format!("{}-{}", *MACHINE, child.id())));
        assert!(!ended("another-1"), "a process of another machine may live");
        assert!(ended("nothing") && ended(""));
    }
}
