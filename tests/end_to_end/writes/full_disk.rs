//! A disk that is full: a run in a small tmpfs, which has its own space for the second command.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::{check, commands, rounds, timeless, written};
use crate::support::{Output, TestProject, files_below};

/// A file system in memory, which is mounted for a process of its own and disappears with it.
struct SmallDisk {
    process: Child,
    /// Its folder, seen by this process.
    folder: PathBuf,
    /// Its folder, seen by the process.
    inside: PathBuf,
}

impl SmallDisk {
    /// One of so many KiB. `None`, with a printed line, where users cannot mount anything.
    fn mount(project: &TestProject, size: u64) -> Option<Self> {
        let inside = project.path("disk");
        fs::create_dir_all(&inside).expect("writable");
        let script = "mount -t tmpfs -o size=$1k tmpfs \"$2\" && echo mounted && exec sleep infinity";
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", &size.to_string()]);
        let mut process = command.arg(&inside).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("readable");
        if line != "mounted\n" {
            let reason = process.wait_with_output().expect("an end").stderr;
            println!("SKIPPED: no tmpfs can be mounted: {}", String::from_utf8_lossy(&reason));
            return None;
        }
        let root = PathBuf::from(format!("/proc/{}/root", process.id()));
        let folder = root.join(inside.strip_prefix("/").expect("absolute"));
        Some(Self { process, folder, inside })
    }

    /// A program that sees it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.process.id().to_string(), "--user", "--mount", "--preserve-credentials"]);
        command.args(["--", program]);
        command
    }

    /// The program of these tests in its folder.
    fn run(&self, project: &TestProject, arguments: &[String]) -> Output {
        let plain = project.command(arguments);
        let mut command = self.command("sh");
        command.args(["-c", "cd \"$0\" && exec \"$@\""]).arg(&self.inside).arg(plain.get_program());
        command.args(plain.get_args());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.output().expect("the program runs").into()
    }

    /// Another size, in KiB.
    fn resize(&self, size: u64) {
        let option = format!("remount,size={size}k");
        let status = self.command("mount").args(["-o", &option]).arg(&self.inside).status();
        assert!(status.expect("it runs").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_run_on_a_full_disk_says_so_and_goes_on_with_more_space() {
    let command = commands::run();
    let project = TestProject::new();
    let Some(disk) = SmallDisk::mount(&project, 1 << 20) else { return };
    disk.run(&project, &command.arguments).exits_with(0);
    let whole = timeless(&written(&disk.folder, command.writes));
    let space = |path: &PathBuf| fs::metadata(path).expect("readable").len().div_ceil(4096) * 4;
    let needed: u64 = files_below(&disk.folder).values().map(space).sum();
    let count = rounds(2);
    let mut full = 0;
    for round in 0..count {
        // From almost nothing to a little more than what is left at the end: parts of the data need space on the way.
        let size = 16 + (2 * round + 1) * (needed + needed / 4) / (2 * count);
        let disk = SmallDisk::mount(&project, size).expect("as before");
        let first = disk.run(&project, &command.arguments);
        let again = || {
            disk.resize(1 << 20);
            disk.run(&project, &command.arguments)
        };
        let files = || written(&disk.folder, command.writes);
        check(&format!("{size} KiB"), &first, "No space left on device", &whole, files, again);
        full += u64::from(first.code != Some(0));
    }
    println!("{count} disks of up to {} KiB, {needed} of which are needed: {full} were full", needed + needed / 4);
}
