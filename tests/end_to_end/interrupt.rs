//! Ctrl-C during a run.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{HOSTILE, JEPA, Running, Suite, TestProject, compile, micro_run, read_json, wait_until};

/// The output of `status --json` on a run.
pub fn status(project: &TestProject, out: &str) -> Value {
    serde_json::from_str(&project.run(["status", out, "--json"]).exits_with(0).out).expect("JSON")
}

/// Waits until a cell's `key` is `value` in the state that the run in `out` has written.
pub fn wait_for_cell(project: &TestProject, key: &str, value: &str) {
    wait_until(&format!("a cell with {key} {value}"), || {
        let text = fs::read(project.path("out/status.json")).unwrap_or_default();
        let status: Value = serde_json::from_slice(&text).unwrap_or_default();
        status["cells"]
            .as_array()
            .is_some_and(|cells| cells.iter().any(|cell| cell.pointer(key).is_some_and(|found| found == value)))
    });
}

/// Whether the run in `out` has trained for some steps.
fn has_steps(project: &TestProject) -> bool {
    let curves = project.find("out", "curves.jsonl");
    curves.values().any(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0))
}

#[test]
fn an_interrupted_run_leaves_a_checkpoint_and_resumes_with_the_same_bytes() {
    let project = TestProject::new();
    let arguments = project.all(Suite::Micro, JEPA, "out", &["--methods", "jepa"]);
    let running = Running::start(project.command(&arguments));
    wait_until("the first steps", || has_steps(&project));
    running.interrupt();
    let output = running.output();
    assert_eq!(output.code, Some(130), "{}", output.err);
    assert!(output.err.contains("interrupted; run the same command again to resume"), "{}", output.err);
    assert!(project.find("out", "failure.json").is_empty(), "an interrupt is not a failure");
    assert!(!project.path("out/table.md").exists());
    assert_eq!(status(&project, "out")["state"], "interrupted");
    let text = project.run(["status", "out"]).exits_with(0).out;
    assert!(text.contains("interrupted at") && text.contains("0 of 2 cells done"), "{text}");

    project.run(&arguments).exits_with(0);
    let whole = |name: &str| {
        let mut files = project.find(micro_run(0), name);
        files.retain(|path, _| path.to_string_lossy().contains("jepa"));
        files
    };
    for file in ["state.safetensors", "curves.jsonl", "embeddings.safetensors"] {
        let read = |path| fs::read(path).expect("readable");
        let expected: Vec<Vec<u8>> = whole(file).into_values().map(read).collect();
        assert!(!expected.is_empty() && expected == project.bytes("out", file), "{file}");
    }
    let expected: Vec<Value> = whole("result.json").values().map(|path| read_json(path)["scores"].clone()).collect();
    assert_eq!(expected, project.scores("out"));
    let after = status(&project, "out");
    assert_eq!(after["state"], "finished");
    assert!(after["cells"].as_array().expect("cells").iter().all(|cell| cell["state"] == "done"), "{after}");
}

#[test]
fn a_plugin_that_does_not_return_is_killed_and_its_cell_has_not_failed() {
    let project = TestProject::new();
    let more = ["--methods", "hostile", "--set", "hostile.fault=loop"];
    let running = Running::start(project.command(project.all(Suite::Micro, HOSTILE, "out", &more)));
    wait_for_cell(&project, "/progress/phase", "pretrain");
    let text = project.run(["status", "out"]).exits_with(0).out;
    assert!(text.contains("running in process"), "{text}");
    running.interrupt();
    let output = running.output();
    assert_eq!(output.code, Some(130), "{}", output.err);
    assert!(project.find("out", "failure.json").is_empty());
}

/// Schedulers signal every process of a job, by whichever signal they are told to use, and a closed terminal sends a hang-up.
#[test]
fn a_signal_to_every_process_leaves_a_checkpoint() {
    // Under `nohup` a hang-up is ignored by the tests and by what they start.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let is_ignored = |signal: i32| ignored.unwrap_or(0) >> (signal - 1) & 1 == 1;
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1].into_iter().filter(|&signal| !is_ignored(signal)) {
        let project = TestProject::new();
        let more = ["--methods", "hostile", "--set", "hostile.slow=500", "--checkpoint-every", "3600"];
        let running = Running::start(project.command(project.all(Suite::Micro, HOSTILE, "out", &more)));
        wait_until("the first steps", || has_steps(&project));
        running.signal_all(signal);
        let output = running.output();
        assert_eq!(output.code, Some(130), "signal {signal}: {}", output.err);
        assert!(!project.find("out", "checkpoint.bin").is_empty(), "signal {signal}");
        assert!(project.find("out", "failure.json").is_empty(), "signal {signal}");
    }
}

/// A build script and a library that never end: neither holds up Ctrl-C, and none runs on behind the program's back.
#[test]
fn builds_and_loading_end_with_the_program() {
    let project = TestProject::new();
    let folder = project.path("endless");
    fs::create_dir_all(folder.join("src")).expect("writable");
    let manifest = "[package]\nname = \"endless\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                    [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest).expect("writable");
    fs::write(folder.join("build.rs"), "fn main() { loop { std::thread::park() } }").expect("writable");
    fs::write(folder.join("src/lib.rs"), "").expect("writable");
    let code = "#include <unistd.h>\n__attribute__((constructor)) static void load(void) { for (;;) pause(); }";
    let library = compile(&folder, "endless", code);
    for (plugin, file) in [(folder.clone(), Path::new("build-script-build").to_owned()), (library.clone(), library)] {
        let mut running = Running::start(project.command(["list", "methods", "--plugins", &plugin.to_string_lossy()]));
        let mut found = None;
        wait_until("the build script or the library to start", || {
            found = process_with(&folder, &file);
            found.is_some()
        });
        let child = found.expect("a process");
        running.interrupt();
        wait_until("the end of the program", || running.has_ended());
        assert_eq!(running.output().code, Some(130));
        // One that nobody has waited for yet is a zombie, `Z`.
        let runs = || fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        wait_until("the end of what it started", || !runs());
    }
}

/// A process that has mapped a file below `folder` whose path ends in `file`.
fn process_with(folder: &Path, file: &Path) -> Option<u32> {
    let maps = |id: &u32| fs::read_to_string(format!("/proc/{id}/maps")).unwrap_or_default();
    let has_it = |id: &u32| {
        maps(id)
            .lines()
            .any(|line| line.contains(&*folder.to_string_lossy()) && line.ends_with(&*file.to_string_lossy()))
    };
    let processes = fs::read_dir("/proc").expect("there").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(has_it)
}
