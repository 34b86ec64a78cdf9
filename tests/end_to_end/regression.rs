//! One test for each fault that was reported, named after it.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use physrep_benchmarks::packed::PackedHeader;
use physrep_records::Cell;
use serde_json::Value;

use crate::support::{
    Array, FOREIGN_FINETUNE, HOSTILE, HOSTILE_TENSORS, JEPA, Output, Running, Suite, TestProject, checkpoint_header,
    files_below, micro_run, read_json, replace_option, wait_until, write_sealed, write_tensors,
};

/// The tests of resuming took the length of a checkpoint's header for its step, and did not wait for later checkpoints.
#[test]
fn the_step_of_a_checkpoint_is_read_from_its_header() {
    let header = br#"{"step": 3, "cost": {"samples": 12}}"#;
    let length = (header.len() as u64).to_le_bytes();
    let checkpoint = [b"physrep4".as_slice(), &[0; 32], &length, header, b"the state of the session"].concat();
    assert_eq!(checkpoint_header(&checkpoint)["step"], 3);
}

/// A cell whose probes had the embeddings of an earlier attempt was recorded with an unchanged encoder, although nothing had been
/// compared; now the comparison is kept with the embeddings.
#[test]
fn embeddings_of_an_earlier_attempt_come_with_what_was_compared() {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    let results = project.find("out/cells/shear_flow/jepa", "result.json");
    let [path] = results.into_values().collect::<Vec<_>>().try_into().expect("one pretrained cell");
    assert_eq!(read_json(&path)["health"]["encoder_unchanged"], true);
    let again = |expected: Value| {
        fs::remove_file(&path).expect("removable");
        project.run(project.all(Suite::Micro, JEPA, "out", &["--seeds", "0"])).exits_with(0);
        assert_eq!(read_json(&path)["health"]["encoder_unchanged"], expected);
    };
    again(true.into());
    let cached = path.with_file_name("embeddings.json");
    let mut record = read_json(&cached);
    record["encoder_unchanged"] = Value::Null;
    write_sealed(&cached, &record);
    again(Value::Null);
}

/// A plugin whose optional interface had a foreign layout was loaded as if it had none.
#[test]
fn an_optional_interface_with_a_foreign_layout_is_an_error() {
    let output = TestProject::new().run(["list", "methods", "--plugins", &FOREIGN_FINETUNE.argument()]);
    assert!(output.err.contains("foreign_finetune") && output.err.contains("laid out differently"), "{}", output.err);
    assert!(!output.out.contains("foreign-finetune"), "{}", output.out);
}

/// The host read a plugin's tensors at a null pointer, with a number of elements that had overflowed, and at any offset.
#[test]
fn invalid_tensors_of_a_plugin_are_errors() {
    for tensor in ["null", "overflow", "misaligned", "far"] {
        let set = format!("hostile-tensors.tensor={tensor}");
        let plugin = HOSTILE_TENSORS.argument();
        let more =
            ["--plugins", &plugin, "--mode", "encode", "--size", "8", "--frames", "2", "--steps", "1", "--set", &set];
        let output = TestProject::new().run(["bench", "hostile-tensors"].iter().chain(&more)).exits_with(1);
        assert!(output.err.contains("hostile-tensors: encode returned"), "{tensor}: {}", output.err);
        output.has_one_error_line();
    }
}

/// Cells that began after the program had been built again could not be started.
#[test]
fn a_program_that_is_replaced_during_a_run_finishes_it() {
    let project = TestProject::new();
    let (program, next) = (project.path("program"), project.path("next"));
    fs::copy(env!("CARGO_BIN_EXE_physrep-bench"), &program).expect("copied");
    fs::write(&next, "another program").expect("writable");
    let mut command = Command::new(&program);
    let more = ["--methods", "hostile", "--set", "hostile.slow=50", "--jobs", "1"];
    command.args(project.all(Suite::Micro, HOSTILE, "out", &more)).current_dir(project.path("."));
    let running = Running::start(command);
    wait_until("the first steps", || !project.find("out", "curves.jsonl").is_empty());
    fs::rename(&next, &program).expect("renamed");
    let output = running.output();
    assert_eq!(output.code, Some(0), "{}", output.err);
}

/// A value of a clip that was missing gave embeddings that were NaN, and no word.
#[test]
fn a_clip_with_a_value_that_is_not_finite_is_an_error() {
    let project = TestProject::new();
    let mut clips = Array::zeros(&[2, 4, 16, 16, 32]);
    clips.values[(4 + 2) * 16 * 16 * 32 + 3 * 16 * 32 + 7] = f32::NAN;
    write_tensors(&project.path("clips.safetensors"), "input", &clips);
    let plugin = JEPA.argument();
    let arguments = ["encode", "--method", "jepa", "--plugins", &plugin, "--checkpoint", "none.pth"];
    let files = ["--input", "clips.safetensors", "--output", "embeddings.safetensors"];
    let output = project.run(arguments.iter().chain(&files)).exits_with(1);
    let expected = "error: clips.safetensors: `input`, clip 1, channel 2, frame 3: expected finite values, found NaN";
    assert_eq!(output.err.lines().last(), Some(expected));
}

/// `println!` and `eprintln!` panicked where what reads a stream had ended, or its disk was full; help ended well without a word of it.
#[test]
fn a_stream_that_cannot_be_written_is_an_error_and_no_panic() {
    let project = TestProject::new();
    project.copy(micro_run(0), "run");
    let run = |arguments: &str, out: Stdio, err: Stdio| {
        let mut command = project.command(arguments.split(' '));
        Output::from(command.stdout(out).stderr(err).output().expect("the program runs"))
    };
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("a device"));
    let closed = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let commands = [
        "list suites",
        "list methods --plugins nowhere.so",
        "schema",
        "doctor",
        "table run",
        "table run --format csv",
        "report run",
        "compare run run",
        "status run --json",
        "merge merged run",
        "data info run/samples",
        "--help",
        "table --help",
        "--version",
    ];
    for command in commands {
        let expected = run(command, Stdio::piped(), Stdio::piped());
        let _ = fs::remove_dir_all(project.path("merged"));
        if !expected.out.is_empty() {
            let output = run(command, full(), Stdio::piped());
            let reason = "error: standard output cannot be written: No space left on device";
            assert!(
                output.code == Some(1) && output.err.contains(reason),
                "{command}: {:?} {}",
                output.code,
                output.err
            );
            assert!(!output.err.contains("panicked"), "{command}: {}", output.err);
            let _ = fs::remove_dir_all(project.path("merged"));
            assert_eq!(run(command, closed(), Stdio::piped()).code, Some(141), "{command}");
            let _ = fs::remove_dir_all(project.path("merged"));
        }
        for err in [full(), closed()] {
            assert_eq!(run(command, Stdio::piped(), err).code, expected.code, "{command}");
            let _ = fs::remove_dir_all(project.path("merged"));
        }
    }
    for wrong in ["table nowhere", "table --nonsense", "all --suite huge", "merge"] {
        let expected = run(wrong, Stdio::piped(), Stdio::piped()).code;
        for err in [full(), closed()] {
            assert_eq!(run(wrong, Stdio::piped(), err).code, expected, "{wrong}");
        }
    }
    // A run whose progress nobody can read any more ends as any other.
    let all = project.all(Suite::Micro, HOSTILE, "out", &["--methods", "hostile,mean"]);
    assert_eq!(run(&all.join(" "), Stdio::piped(), full()).code, Some(0));
    assert_eq!(project.results("out").len(), 3);
}

/// `merge` copied what a description of a cell named, to wherever its names led.
#[test]
fn a_description_whose_names_are_paths_is_not_followed() {
    let project = TestProject::new();
    let place = project.path("one/two");
    project.copy(micro_run(0), "one/two/run");
    let specs = project.find("one/two/run/cells/shear_flow/jepa", "cell.json");
    let (_, spec) = specs.into_iter().next().expect("a cell");
    let mut description = read_json(&spec);
    description["encoder"]["name"] = "../../../escaped".into();
    // Its key fits, as a stranger can compute it, too.
    let cell: Cell = serde_json::from_value(description.clone()).expect("a cell");
    let manifest = place.join("run/run.json");
    let key = read_json(&spec.with_file_name("result.json"))["key"].as_str().expect("a key").to_owned();
    let text =
        fs::read_to_string(&manifest).expect("readable").replace(&format!("\"{key}\""), &format!("{:?}", cell.key()));
    fs::write(&manifest, text).expect("writable");
    fs::write(&spec, description.to_string()).expect("writable");
    let mut record = read_json(&spec.with_file_name("result.json"));
    record["key"] = cell.key().into();
    write_sealed(&spec.with_file_name("result.json"), &record);
    let merged = project.command(["merge", "merged", "run"]).current_dir(&place).output().expect("it runs");
    assert_eq!(merged.status.code(), Some(0), "{}", String::from_utf8_lossy(&merged.stderr));
    assert_eq!(files_below(&project.path("one")).keys().filter(|path| !path.starts_with("two")).count(), 0);
    assert!(!place.join("escaped").exists() && !place.join("merged/escaped").exists());

    let name = |text: &str| format!("\"method\": \"{text}\"");
    let text = fs::read_to_string(&manifest).expect("readable").replace(&name("jepa"), &name("../../x"));
    fs::write(&manifest, text).expect("writable");
    let refused = project.command(["merge", "again", "run"]).current_dir(&place).output().expect("it runs");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && told.contains("`method` is \"../../x\"; expected"), "{told}");
}

/// Records with an error of -1 or 1e308 were in tables; a suite in a record was not checked before it was run.
#[test]
fn a_record_with_values_that_no_run_gives_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("`mse` is -1; expected a number from 0", |record| record["scores"][0]["mean"]["mse"] = (-1).into()),
        ("`mse` is 1", |record| record["scores"][0]["mean"]["mse"] = 1e308.into()),
        ("`label_fraction` is 7", |record| record["scores"][0]["label_fraction"] = 7.into()),
        ("`probe` is \"=1+1\"", |record| record["scores"][0]["probe"] = "=1+1".into()),
        ("predictions and errors of", |record| {
            record["scores"][0]["parameters"][0]["predicted"].as_array_mut().expect("numbers").truncate(1);
        }),
        ("the name of a parameter is", |record| record["parameters"][0]["name"] = "@SUM(A1)".into()),
    ];
    let project = TestProject::new();
    for (index, (expected, change)) in changes.into_iter().enumerate() {
        let run = format!("run{index}");
        project.copy(micro_run(0), &run);
        project.edit_first_record(&run, change);
        let output = project.run(["table", &run]).exits_with(1);
        assert!(output.err.contains(expected), "{expected}: {}", output.err);
        output.has_one_error_line();
    }
    project.copy(micro_run(0), "run");
    let path = project.edit_first_record("run", |record| {
        record["recipe"]["suite"]["system"][0]["generate"]["trajectories"]["train"] = 100_000_000_u64.into();
    });
    let (path, plugins) = (path.display().to_string(), JEPA.argument());
    let output = project.run(["verify-result", &path, "--plugins", &plugins, "--data", "data"]).exits_with(1);
    let expected =
        "its `recipe.suite`: system shear_flow: trajectories.train must be from 1 to 1000000, but is 100000000";
    assert!(output.err.contains(expected), "{}", output.err);
}

/// 20,000 keys in one another overflowed the stack, and 100,000 processes or 1,000,000 threads were tried.
#[test]
fn options_have_bounds() {
    let project = TestProject::new();
    let deep = format!("hostile.{}=1", vec!["x"; 20_000].join("."));
    let deeper = format!("hostile.slow.{}=1", vec!["x"; 20_000].join("."));
    for (option, value, code, expected) in [
        ("--set", deep.as_str(), 2, "`hostile` has no key `x`; it has: fault, place, slow"),
        ("--set", deeper.as_str(), 2, "expected at most 64 keys, one in another"),
        ("--jobs", "100000", 2, "expected a number from 1 to 1024"),
        ("--threads", "1000000", 2, "expected a number from 1 to 1024"),
        ("--threads", "0", 2, "expected a number from 1 to 1024"),
    ] {
        let output = project.run(project.all(Suite::Micro, HOSTILE, "out", &[option, value])).exits_with(code);
        assert!(output.err.contains(expected) && output.err.len() < 2000, "{option}: {}", output.err);
    }
}

/// Names and reasons of failures moved the cursor, were links and headings in Markdown, and formulas in CSV.
#[test]
fn what_a_stranger_wrote_is_shown_and_no_more() {
    let project = TestProject::new();
    project.copy(micro_run(0), "run");
    let (_, record) = project.find("run/cells/shear_flow/jepa", "result.json").into_iter().next().expect("a record");
    let mut failure = read_json(&record);
    let reason = "\u{1b}[2J\u{9b}\u{202e}=1+1 <script>\n# heading\n[link](https://example.org) ![x](http://example.org) www.example.org";
    failure["reason"] = reason.into();
    fs::write(record.with_file_name("failure.json"), failure.to_string()).expect("writable");
    fs::remove_file(&record).expect("removable");
    for format in ["terminal", "markdown", "latex", "csv"] {
        let text = project.run(["table", "run", "--format", format]).exits_with(0).out;
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{format}: {text:?}");
        assert!(text.contains("heading") || format == "csv", "{format}: {text}");
        if format == "markdown" {
            for markup in ["<script", "\n# heading", "[link](", "![x](", "https://", "http://", "www.example"] {
                assert!(!text.contains(markup), "{markup}: {text}");
            }
        }
        assert!(!text.lines().any(|line| line.starts_with(['=', '+', '-', '@'])), "{format}: {text}");
    }
    let page = project.run(["report", "run", "--out", "page"]).exits_with(0);
    assert!(page.err.is_empty(), "{}", page.err);
    let page = fs::read_to_string(project.path("page/report.html")).expect("a page");
    assert!(!page.contains("<script>\n# heading") && !page.contains("<script>alert"), "escaped");
}

/// A packed file without channels divided by zero when it was read.
#[test]
fn packed_data_without_a_channel_is_refused() {
    let project = TestProject::new();
    let packed = project.find(Suite::Micro.data(), "micro-v1.packed").into_values().next().expect("packed data");
    let bytes = fs::read(&packed).expect("readable");
    let (mut header, _) = PackedHeader::parse(&packed, &bytes).expect("a header");
    header.channels.clear();
    project.write("none.packed", header.to_bytes());
    for command in ["info", "verify"] {
        let output = project.run(["data", command, "none.packed"]).exits_with(1);
        let told = output.out + &output.err;
        assert!(told.contains("expected at least one channel, one frame, and one point along each axis"), "{told}");
    }
}

/// A cell whose data was moved after it was planned said that there was no file; a run that was moved went on.
#[test]
fn a_run_goes_on_where_it_was_moved_to_and_data_that_was_moved_is_asked_for() {
    let project = TestProject::new();
    project.copy(Suite::Micro.data(), "data");
    let all = |command: &str, data: &str, out: &str| {
        let arguments = project.all(Suite::Micro, HOSTILE, out, &["--methods", "mean,features"]);
        let mut arguments = replace_option(arguments, "--data", data);
        arguments[0] = command.into();
        project.run(arguments)
    };
    all("plan", "data", "planned").exits_with(0);
    fs::rename(project.path("planned"), project.path("moved")).expect("renamed");
    let plan = read_json(&project.path("moved/run.json"));
    let keys: Vec<&str> = [0, 1].map(|cell| plan["cells"][cell]["key"].as_str().expect("a key")).to_vec();
    project.run(["cell", keys[0], "--run", "moved"]).exits_with(0);
    fs::rename(project.path("data"), project.path("elsewhere")).expect("renamed");
    let output = project.run(["cell", keys[1], "--run", "moved"]).exits_with(1);
    assert!(output.err.contains("plan the run again with its place as --data"), "{}", output.err);
    all("all", "elsewhere", "moved").exits_with(0);
    assert_eq!(project.results("moved").len(), 2);
}

/// `data pack` waited for ever for a pipe in the place of a generated file, whose checksum it was about to compute.
#[test]
fn a_pipe_in_the_place_of_generated_data_is_refused() {
    let project = TestProject::new();
    let suite = Suite::Micro.path().display().to_string();
    project.run(["data", "generate", "shear_flow", "--suite", &suite, "--out", "data"]).exits_with(0);
    let file = project.path("data/shear_flow/data/train/shear_flow_train_0000.hdf5");
    fs::remove_file(&file).expect("there");
    assert!(Command::new("mkfifo").arg(&file).status().expect("mkfifo runs").success());
    let output = project.run(["data", "pack", "shear_flow", "--suite", &suite, "--data", "data"]).exits_with(1);
    assert!(output.err.contains("found a pipe or a device"), "{}", output.err);
}
