//! `new`: a method's crate outside of any checkout. Its template is a crate of this workspace, which builds and passes its checks there.

use std::{env, fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{HOSTILE, Output, TestProject, python, root};

#[test]
fn a_crate_is_written_anywhere_from_the_sources_that_the_program_carries() {
    let project = TestProject::new();
    project.run(["new", "two-words"]).exits_with(0);
    let read = |name: &str| fs::read_to_string(project.path("two-words").join(name)).expect(name);
    let template = |name: &str| fs::read_to_string(root().join("plugin-api/template").join(name)).expect(name);
    for file in ["src/lib.rs", "tests/conformance.rs", "build.rs", "smoke.toml", "tuning.toml", "README.md"] {
        let expected = template(file)
            .replace("my-method", "two-words")
            .replace("my_method", "two_words")
            .replace("MyMethod", "TwoWords");
        assert_eq!(read(file), expected, "{file}");
    }
    // The SDK is the one of this checkout, which the program was built from, and cargo resolves the crate without a network.
    let metadata = metadata(&project.path("two-words"));
    let packages = metadata["packages"].as_array().expect("packages");
    let sdk = packages.iter().find(|package| package["name"] == "physrep-plugin-api").expect("the SDK");
    let manifest = Path::new(sdk["manifest_path"].as_str().expect("a path"));
    assert!(manifest.starts_with(project.path("sdk").canonicalize().expect("it is there")), "{}", manifest.display());
    for file in ["src/method.rs", "nn/src/lib.rs", "README.md"] {
        let unpacked = manifest.parent().expect("a folder").join(file);
        assert_eq!(fs::read(unpacked).expect(file), fs::read(root().join("plugin-api").join(file)).expect(file));
    }
    assert!(read(".cargo/config.toml").contains("target-dir"));
    // The bundled methods, and the library that starts programs, resolve there, too.
    let sources = manifest.parent().and_then(Path::parent).expect("the root of the sources");
    let bundled = self::metadata(sources);
    for name in
        ["physrep-jepa", "physrep-videomae", "physrep-mpp", "physrep-disco", "physrep-autoencoder", "physrep-external"]
    {
        assert!(
            bundled["packages"].as_array().expect("packages").iter().any(|package| package["name"] == name),
            "{name}"
        );
    }
    // Others find the sources unpacked, and use them.
    let before = fs::read_dir(project.path("sdk")).expect("it is there").count();
    project.run(["new", "another"]).exits_with(0);
    assert_eq!(fs::read_dir(project.path("sdk")).expect("it is there").count(), before);
}

/// What cargo says of the crate in `folder`; it needs no network.
fn metadata(folder: &Path) -> Value {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline"])
        .current_dir(folder)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn names_that_no_row_can_have_and_folders_that_exist_are_refused() {
    let project = TestProject::new();
    let names = [
        "../up",
        "/root",
        "Capital",
        "two words",
        "comma,",
        "dot.",
        "",
        "-dash",
        "9nine",
        "mean",
        "jepa",
        "über",
        "self",
        "physrep-nn",
    ];
    for name in names {
        let output = project.run(["new", "--", name]).exits_with(2);
        output.has_one_error_line();
    }
    assert!(!project.path("Capital").exists());
    fs::create_dir(project.path("taken")).expect("writable");
    let output = project.run(["new", "taken"]).exits_with(2);
    assert!(output.err.contains("exists already"), "{}", output.err);
}

#[test]
fn a_method_in_python_stands_in_the_table_unedited() {
    let Some(python) = python("numpy") else { return };
    let folder = Path::new(python.get_program()).parent().expect("a program is in a folder").to_owned();
    let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap_or_default());
    HOSTILE.library(); // the library that starts programs is built with those of the other plugins
    let project = TestProject::new();
    project.run(["new", "components", "--python"]).exits_with(0);
    let run = |arguments: &[&str]| -> Output {
        let mut command = project.command(arguments);
        command.current_dir(project.path("components")).env("PATH", &path);
        command.output().expect("the program runs").into()
    };
    let table = run(&["all", "--suite", "smoke.toml", "--threads", "1"]).exits_with(0);
    for row in ["components", "components (random init)", "features", "mean"] {
        assert!(table.out.contains(&format!("│ {row}")), "{row}: {}", table.out);
    }
    // Among the code, a run is beside its folder, which the program reads as a whole.
    let mut command = project.command(["all", "--suite", "../smoke.toml", "--methods", "components"]);
    command.current_dir(project.path("components/src")).env("PATH", &path);
    let again = Output::from(command.output().expect("the program runs")).exits_with(0);
    assert_eq!(again.err.matches("done before, kept").count(), 2, "{}", again.err);
    assert!(!project.path("components/src/runs").exists());
    let checks = "name,keys,unknown-key,encoder-parameters,same-seed,falling-loss,independent-clips,resume,grids";
    let checked = run(&["check", ".", "--suites", "smoke.toml", "--only", checks]).exits_with(0);
    assert!(checked.out.contains("9 passed, 0 failed"), "{}", checked.out);
}

/// In a method's crate, the methods are that one; with `--with-builtin`, the bundled ones, too. These do not build: the sources' folder is
/// replaced by one without any.
#[test]
fn in_a_methods_crate_that_method_is_the_default() {
    let project = TestProject::new();
    project.run(["new", "mine"]).exits_with(0);
    project.write("mine/src/lib.rs", "compile_error!(\"mine does not build\");");
    project.write("mine/Cargo.toml", BROKEN);
    let mut command = project.command(["list", "methods"]);
    command.current_dir(project.path("mine/src"));
    let output = String::from_utf8(command.output().expect("the program runs").stderr).expect("text");
    assert!(output.contains("mine") && output.contains("does not build"), "{output}");
    assert!(!output.contains("jepa"), "{output}");
}

/// A manifest that cargo refuses at once.
const BROKEN: &str = "[package]\nname = \"mine\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[lib]\n\
                      crate-type = [\"cdylib\"]\n[dependencies]\nphysrep-plugin-api = { path = \"nowhere\" }\n";
