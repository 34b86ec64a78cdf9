//! Large runs: every command that reads one ends, with memory that does not grow out of hand.
//!
//! The records are those of `results/tiny-v5`, again and again under other seeds.
//! `PHYSREP_CELLS=10000 cargo test --release --test end_to_end scale -- --nocapture` prints what each command took.

use std::{
    collections::BTreeSet,
    env, fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use physrep_records::{CellRecord, RunManifest, sealed};

use crate::support::{JEPA, Suite, TestProject, root};

/// Cells unless the environment says how many.
const CELLS: usize = 300;

/// The most memory that a command may take, in MiB, for so many cells.
fn bound(cells: usize) -> u64 {
    512 + cells as u64 / 4
}

/// Runs a command to its end; prints its time and its peak memory in MiB.
fn measure(mut command: Command, name: &str, cells: usize) {
    let clock = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let mut peak = 0;
    // What a parent hears at the end includes its own memory at the start.
    let status = loop {
        peak = peak_mib(child.id()).unwrap_or(peak);
        match child.try_wait().expect("waitable") {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    assert!(status.success(), "{name}: {status}");
    println!("| `{name}` | {:.1} | {peak} |", clock.elapsed().as_secs_f64());
    assert!(peak < bound(cells), "{name} took {peak} MiB for {cells} cells");
}

/// The peak of a running process's memory; none once it has ended.
fn peak_mib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10)
}

/// Writes a run of so many cells into `run`: the records of a published one under further seeds.
fn multiply(run: &Path, cells: usize) {
    let published = root().join("results/tiny-v5");
    let manifest = RunManifest::read(&published).expect("a published run");
    let mut seeds = BTreeSet::new();
    let first = manifest.cells.iter().map(|cell| cell.identity.seed).min().expect("cells");
    let originals: Vec<_> = manifest.cells.iter().filter(|cell| cell.identity.seed == first).collect();
    let mut multiplied = RunManifest { cells: Vec::new() };
    for number in 0..cells {
        let (original, seed) = (originals[number % originals.len()], (number / originals.len()) as u64);
        let mut listed = original.clone();
        listed.identity.seed = seed;
        listed.identity.key = format!("{number:016x}");
        listed.folder = Path::new("cells").join(listed.identity.label()).with_extension(&listed.identity.key);
        let record = original.folder(&published).found_record().expect("a record");
        let mut record = CellRecord::read(&record).expect("a record");
        record.identity = listed.identity.clone();
        let folder = listed.folder(run);
        fs::create_dir_all(folder.path()).expect("writable");
        sealed::write(&folder.record(), &record).expect("writable");
        multiplied.cells.push(listed);
        seeds.insert(seed);
    }
    multiplied.sort();
    multiplied.write(run).expect("writable");
}

#[test]
fn commands_on_a_large_run_end_with_bounded_memory() {
    let cells = env::var("PHYSREP_CELLS").map_or(CELLS, |cells| cells.parse().expect("a number of cells"));
    let project = TestProject::new();
    println!("| {cells} cells | seconds | MiB |\n|---|--:|--:|");

    // Four rows on one system.
    let seeds: Vec<String> = (0..cells.div_ceil(4)).map(|seed| seed.to_string()).collect();
    let seeds = seeds.join(",");
    for (name, more) in [("plan", &[][..]), ("plan --format commands", &["--format", "commands"])] {
        let arguments = project.all(Suite::Micro, JEPA, "planned", &[&["--seeds", &seeds][..], more].concat());
        let arguments = arguments.into_iter().map(|word| if word == "all" { "plan".into() } else { word });
        measure(project.command(arguments), name, cells);
    }
    measure(project.command(["status", "planned"]), "status, before the first cell", cells);

    let run = project.path("results/run");
    multiply(&run, cells);
    let shown = run.display().to_string();
    for (name, arguments) in [
        ("status", vec!["status", &shown]),
        ("table", vec!["table", &shown]),
        ("table --format markdown", vec!["table", &shown, "--format", "markdown"]),
        ("table --format csv", vec!["table", &shown, "--format", "csv"]),
        ("report", vec!["report", &shown]),
    ] {
        measure(project.command(arguments), name, cells);
    }
    // Beside a checkout's plugins, whose pages are the cards.
    std::os::unix::fs::symlink(root().join("plugins"), project.path("plugins")).expect("a link");
    measure(project.command(["leaderboard", "results"]), "leaderboard", cells);
}
