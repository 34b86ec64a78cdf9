//! `physrep-bench data fetch`: The Well's published files, from the Hugging Face hub.
//!
//! The data sets are `polymathic-ai/SYSTEM`. Their files are written where The Well's own reader and this program look for them,
//! `DIR/SYSTEM/data/{train,valid,test}/*.hdf5` beside `stats.yaml` and `SYSTEM.yaml`. A file gets its name when it is complete and has
//! the hub's checksum; the next call resumes an interrupted download.

mod certificates;
mod checksum;
mod hub;
mod request;
mod retry;
mod select;
mod transfer;

use std::{fs, path::PathBuf};

use physrep_benchmarks::systems;
use physrep_records::{Lock, files};

use crate::{
    display::Display,
    error::{Error, Result},
    output::say,
};
use hub::{Dataset, RemoteFile};
use transfer::Downloaded;

pub use request::FetchRequest;
pub use retry::RetryPolicy;

/// A file to fetch, and its target.
struct Wanted {
    file: RemoteFile,
    target: PathBuf,
    /// Bytes that are already downloaded.
    here: u64,
    finished: bool,
}

/// Fetches the missing files.
///
/// # Errors
///
/// [`Error::Download`] if a file cannot be downloaded or has a wrong checksum; [`Error::Usage`] if a pattern matches no file;
/// [`Error::Records`] if the folder holds other data, or the disk is too small.
pub fn run(fetch: &FetchRequest) -> Result<()> {
    systems::named(&fetch.system)?;
    let display = Display::default();
    let dataset = Dataset::open(&fetch.system, fetch.retry)?;
    let folder = fetch.out.join(&fetch.system);
    if folder.join("generated.json").exists() {
        let reason = "it holds generated data, which must not be mixed with published files; give another --out";
        return Err(Error::file(folder, reason));
    }
    let mut wanted = Vec::new();
    for file in select::select(fetch, &dataset)? {
        let target = folder.join(&file.path);
        let finished = match fs::metadata(&target) {
            Ok(found) if found.len() != file.size => {
                let reason = format!("{} bytes, but the hub's file has {}; move it away", found.len(), file.size);
                return Err(Error::file(target, reason));
            }
            found => found.is_ok(),
        };
        let part = fs::metadata(transfer::part(&target, &file)).map_or(0, |part| part.len());
        let here = if finished { file.size } else { part.min(file.size) };
        wanted.push(Wanted { file, target, here, finished });
    }

    let in_use = "another download is using this folder; wait for it, or choose another one with --out";
    let mut lock = None;
    if !fetch.dry_run && wanted.iter().any(|wanted| wanted.finished) {
        lock = Some(Lock::take(&folder, in_use)?);
        for Wanted { file, target, here, finished } in wanted.iter_mut().filter(|wanted| wanted.finished) {
            if file.checksum.of_file(target)? != file.checksum {
                let aside = files::set_aside(target)?;
                display.line(&format!(
                    "{} is not the hub's: it is now {}, and is fetched again",
                    file.path,
                    aside.display()
                ));
                (*here, *finished) = (0, false);
            }
        }
    }
    let missing = announce(&display, fetch, &dataset, &wanted)?;
    if fetch.dry_run {
        for Wanted { file, here, finished, .. } in &wanted {
            let state = match (finished, here) {
                (true, _) => "here",
                (false, 0) => "missing",
                (false, _) => "partial",
            };
            say!("{state:8} {:>10} {}", bytes(file.size), file.path);
        }
        return Ok(());
    }
    let _lock = lock.map_or_else(|| Lock::take(&folder, in_use), Ok)?;
    let shown = TransferProgress { display: &display, system: &fetch.system, total: missing };
    let mut mismatched = Vec::new();
    let mut done = 0;
    for Wanted { file, target, here, .. } in wanted.iter().filter(|w| !w.finished) {
        let folder = target.parent().unwrap_or(&folder);
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let mut progress = |now: u64, note: &str| shown.show((done + now).saturating_sub(*here), &file.path, note);
        match transfer::fetch(&dataset, file, target, fetch.retry, &mut progress)? {
            Downloaded::Verified => {}
            Downloaded::Mismatch(reason) => {
                display.line(&format!("{}/{}: {reason}", dataset.name, file.path));
                mismatched.push((&file.path, reason));
            }
        }
        done += file.size - here;
    }
    if let Some((path, reason)) = mismatched.first() {
        let others = match mismatched.len() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more such files)"),
        };
        let what = format!("{}/{path}", dataset.name);
        return Err(Error::Download { what, reason: format!("{reason}{others}; run the same command again") });
    }
    display.finish(&fetch.system, &format!("{} files, all verified, in {}", wanted.len(), folder.display()));
    Ok(())
}

/// Prints how much is to be fetched, and checks that it fits on the disk. Returns the number of missing bytes.
fn announce(display: &Display, fetch: &FetchRequest, dataset: &Dataset, wanted: &[Wanted]) -> Result<u64> {
    let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.fold(0u64, u64::saturating_add);
    let total = sum(&mut wanted.iter().map(|w| w.file.size));
    let missing = sum(&mut wanted.iter().map(|w| w.file.size - w.here));
    // The folder may not exist yet; its closest existing ancestor is on the same disk.
    let disk = fetch.out.ancestors().find(|path| path.exists()).map_or(".".into(), PathBuf::from);
    let disk = if disk.as_os_str().is_empty() { ".".into() } else { disk };
    let space = rustix::fs::statvfs(&disk).map_err(|e| Error::io(&disk)(std::io::Error::from(e)))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let finished = wanted.iter().filter(|w| w.finished).count();
    display.line(&format!(
        "{}: {} files of {} at {}, {}; {finished} are here, {} to fetch, {} free",
        fetch.system,
        wanted.len(),
        dataset.name,
        dataset.revision.get(..12).unwrap_or(&dataset.revision),
        bytes(total),
        bytes(missing),
        bytes(free),
    ));
    if missing > free && !fetch.dry_run {
        let reason = format!(
            "{} are to be fetched, but only {} are free; give another --out, or take less with --split or --files",
            bytes(missing),
            bytes(free)
        );
        return Err(Error::file(disk, reason));
    }
    Ok(missing)
}

/// Shows the progress in a unit that suits the total.
struct TransferProgress<'a> {
    display: &'a Display,
    system: &'a str,
    total: u64,
}

impl TransferProgress<'_> {
    fn show(&self, done: u64, path: &str, note: &str) {
        let (unit, size) = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)]
            .into_iter()
            .find(|(_, size)| self.total >= 1000 * size)
            .unwrap_or(("bytes", 1));
        let name = path.rsplit('/').next().unwrap_or(path);
        let note = if note.is_empty() { name.to_owned() } else { format!("{name}: {note}") };
        self.display.progress(self.system, &format!("fetch {unit}"), done / size, self.total.div_ceil(size), &note);
    }
}

/// A size in decimal units: `470.1 GB`.
fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB", "TB"] {
        if size < 1000.0 {
            return if unit == "bytes" { format!("{bytes} bytes") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} PB")
}
