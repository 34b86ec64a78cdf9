//! Methods of earlier versions of the ABI: `tests/frozen` has their sources and the SDK of their time. They are built as they were, and
//! have to run with this program.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::Archive;

use crate::support::{Suite, TestProject, files_below, fixture, root};

#[allow(dead_code)]
#[path = "../../plugin-api/tests/published/comparison.rs"]
mod comparison;

/// The digests of a folder's other files, as `sha256sum` writes them.
const DIGESTS: &str = "SHA256SUMS";

/// A frozen method, built.
struct Frozen {
    /// The name of its folder, such as `abi-1.0`.
    name: String,
    /// Its sources, with the crates of its SDK unpacked.
    sources: PathBuf,
    library: String,
}

/// The names of the frozen methods.
fn names() -> Vec<String> {
    let folders = fs::read_dir(fixture("frozen")).expect("readable").map(|entry| entry.expect("readable").path());
    let names = folders.filter(|path| path.is_dir()).filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let names: Vec<String> = names.collect();
    assert!(!names.is_empty(), "there is a frozen method");
    names
}

/// The frozen methods, each built once.
fn frozen() -> &'static [Frozen] {
    static METHODS: LazyLock<Vec<Frozen>> = LazyLock::new(|| names().into_iter().map(build).collect());
    &METHODS
}

/// Builds a frozen method with its own lock file, outside of the workspace. Other tests have precedence.
fn build(name: String) -> Frozen {
    let sources = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frozen").join(&name);
    for (path, file) in files_below(&fixture("frozen").join(&name)) {
        let target = sources.join(path);
        let folder = target.parent().expect("a folder");
        fs::create_dir_all(folder).expect("writable");
        if file.extension().is_some_and(|end| end == "crate") {
            Archive::new(GzDecoder::new(fs::File::open(file).expect("readable"))).unpack(folder).expect("a package");
        } else {
            fs::copy(file, target).expect("copied");
        }
    }
    let target = sources.join("target");
    let mut command = Command::new("nice");
    command.arg(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).args(["build", "--lib", "--locked"]);
    let built = command.arg("--target-dir").arg(&target).current_dir(&sources).output().expect("cargo runs");
    assert!(built.status.success(), "{name} does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    let file = format!("{}frozen{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    Frozen { library: target.join("debug").join(file).display().to_string(), name, sources }
}

#[test]
fn nothing_that_is_frozen_was_edited() {
    for name in names() {
        let folder = fixture("frozen").join(&name);
        let mut found = files_below(&folder);
        let digests = fs::read_to_string(found.remove(Path::new(DIGESTS)).expect(DIGESTS)).expect("readable");
        let expected: BTreeMap<PathBuf, &str> = digests
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(digest, path)| (path.into(), digest))
            .collect();
        let is_as_it_was = |path: &PathBuf| {
            let bytes = found.get(path).map(|file| fs::read(file).expect("readable"));
            let digest =
                bytes.map(|bytes| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            digest.as_deref() == expected.get(path).copied()
        };
        let edited: BTreeSet<_> = found.keys().chain(expected.keys()).filter(|path| !is_as_it_was(path)).collect();
        assert!(edited.is_empty(), "edited, added or removed since {name} was frozen; restore them: {edited:?}");
    }
}

#[test]
fn what_was_published_then_is_published_now() {
    for method in frozen() {
        let mut published = files_below(&method.sources.join("sdk"));
        published.retain(|path, _| {
            let words = path.to_string_lossy();
            words.starts_with("physrep-abi-") && words.contains("/published/")
        });
        assert!(!published.is_empty(), "{} has the description of its ABI", method.name);
        for (path, then) in published {
            let now = root().join("plugin-api/abi/published").join(path.file_name().expect("a file"));
            let [then, now] = [then, now].map(|file| fs::read_to_string(file).expect("readable"));
            let changes = comparison::changes(&then, &now);
            assert!(changes.is_empty(), "published with {} and edited since:\n{}", method.name, changes.concat());
        }
    }
}

#[test]
fn a_method_of_an_earlier_version_is_listed_and_checked() {
    let project = TestProject::new();
    let suite = Suite::Micro.path().display().to_string();
    for Frozen { library, .. } in frozen() {
        let list = project.run(["list", "methods", "--plugins", library]).exits_with(0);
        assert_eq!(list.err, "");
        assert!(list.out.starts_with("frozen ") && list.out.contains("\"noise\":0.1"), "{}", list.out);
        let check = |more: &[&str]| {
            let arguments = ["check", library, "--suites", &suite];
            let output = project.run(arguments.iter().chain(more)).exits_with(0).out;
            assert!(output.contains(" 0 failed"), "{output}");
        };
        check(&["--quick"]);
        check(&["--only", "resume,end-to-end,same-seed,falling-loss"]);
    }
}

#[test]
fn a_method_of_an_earlier_version_runs_a_cell() {
    let project = TestProject::new();
    let [suite, data] = [Suite::Micro.path(), Suite::Micro.data().to_owned()].map(|path| path.display().to_string());
    for Frozen { name, library, .. } in frozen() {
        let arguments = ["all", "--suite", &suite, "--data", &data, "--plugins", library, "--methods", "frozen"];
        let more = ["--set", "frozen.dim=12", "--out", name];
        let run = project.run(arguments.iter().chain(&more)).exits_with(0);
        for row in ["frozen", "frozen (random init)"] {
            assert!(run.out.contains(&format!("│ {row} ")), "{row} of {name}: {}", run.out);
        }
        let records = project.results(name);
        assert_eq!(records.len(), 2, "pretrained, and at random initialisation");
        for record in records {
            let encoder = &record["encoder"];
            assert_eq!(encoder["method_version"], "1.0.0");
            assert_eq!(encoder["method_revision"], format!("frozen-at-{name}"));
            assert_eq!(encoder["dim"], 12, "the configuration reached it");
            assert!(record["cost"]["end_to_end"]["samples"].as_u64() > Some(0), "{}", record["cost"]);
        }
        let text = |file: &str| String::from_utf8(project.bytes(name, file).concat()).expect("text");
        assert_eq!(text("curves.jsonl").matches("size_of_tokens").count(), 6, "a metric for each step");
        assert!(text("log.txt").contains("takes 6 steps"), "{}", text("log.txt"));
    }
}
