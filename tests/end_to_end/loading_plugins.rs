//! Which libraries are accepted as plugins, and what is said of the others.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{FOREIGN_ROOT, FOREIGN_TABLE, HOSTILE, JEPA, TestProject, compile};

/// `list methods` with these plugins: stdout, and stderr.
fn list(plugins: &[&Path]) -> (String, String) {
    let project = TestProject::new();
    let plugins = plugins.iter().flat_map(|path| ["--plugins".to_owned(), path.display().to_string()]);
    let output = project.run(["list", "methods"].map(String::from).into_iter().chain(plugins)).exits_with(0);
    (output.out, output.err)
}

/// The one line that says why a library is rejected.
fn rejection(path: &Path) -> String {
    let error = list(&[path]).1;
    assert_eq!(error.lines().count(), 1, "one line: {error}");
    assert!(error.contains(&path.file_name().expect("a file").to_string_lossy().into_owned()), "{error}");
    error
}

#[test]
fn libraries_are_listed_in_their_order_and_one_may_be_named_twice() {
    let (out, err) = list(&[JEPA.library(), HOSTILE.library(), JEPA.library()]);
    assert_eq!(err, "");
    let methods = out.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_whitespace().next());
    assert_eq!(methods.collect::<Vec<_>>(), ["jepa", "hostile", "jepa", "features", "mean"]);
}

#[test]
fn a_library_that_is_no_plugin_is_rejected_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text.so");
    fs::write(&text, "not a library").expect("writable");
    assert!(rejection(&text).contains("cannot be opened as a dynamic library"));

    let compile = |name: &str, source: &str| compile(folder.path(), name, source);
    let stranger = rejection(&compile("stranger", "int answer(void) { return 42; }"));
    assert!(stranger.contains("not a physrep-bench plugin") && stranger.contains("export_method!"), "{stranger}");
    let future =
        rejection(&compile("future", "unsigned long long physrep_abi_version(void) { return (2ULL << 32) | 5; }"));
    assert!(
        future.contains("ABI 2.5") && future.contains("this physrep-bench for 1.") && future.contains("Rebuild"),
        "{future}"
    );
    let hollow = rejection(&compile("hollow", "unsigned long long physrep_abi_version(void) { return 1ULL << 32; }"));
    assert!(hollow.contains("no root module"), "{hollow}");
}

/// A library that misbehaves while it is loaded costs a line, whatever it does: the others are listed, in the same folder.
#[test]
fn loading_a_library_harms_nothing_but_its_own_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases = [
        ("abort", "abort();", "ended its process (aborted)"),
        ("exit", "exit(0);", "ended its process (exit status: 0)"),
        ("crash", "*(volatile int *)8 = 1;", "ended its process (segmentation fault)"),
        ("deaf", "for (int i = 0; i < 100; i++) close(i); for (;;) pause();", "took more than 30 s; killed"),
        ("orphan", "if (fork() == 0) for (;;) pause(); exit(3);", "ended its process (exit status: 3)"),
        (
            "faked",
            "puts(\"{\\\"described\\\": {\\\"name\\\": \\\"jepa\\\"}}\"); fflush(stdout); _exit(0);",
            "ended its process (exit status: 0); last line of its log: {\"described\": {\"name\": \"jepa\"}}",
        ),
        (
            "greedy",
            "for (int i = 0; i < 1000; i++) memset(malloc(1 << 26), 1, 1 << 26);",
            "ended its process (segmentation fault)",
        ),
        ("moved", "if (chdir(\"/\")) abort(); umask(0777);", "not a physrep-bench plugin"),
    ];
    let libraries: Vec<PathBuf> = cases
        .iter()
        .map(|(name, code, _)| {
            let headers = ["stdio", "stdlib", "string", "unistd", "sys/stat"];
            let headers: String = headers.iter().map(|header| format!("#include <{header}.h>\n")).collect();
            let source = format!("{headers}__attribute__((constructor)) static void load(void) {{ {code} }}");
            compile(folder.path(), name, &source)
        })
        .collect();
    let plugins: Vec<&Path> = libraries.iter().map(PathBuf::as_path).chain([HOSTILE.library()]).collect();
    let (out, err) = list(&plugins);
    assert_eq!(err.lines().count(), cases.len(), "{err}");
    for ((name, _, expected), line) in cases.iter().zip(err.lines()) {
        assert!(line.contains(&format!("{name}.so")) && line.contains(expected), "{name}: {line}");
    }
    assert!(out.starts_with("hostile "), "{out}");
}

#[test]
fn foreign_layouts_are_rejected_before_anything_is_called() {
    for plugin in [FOREIGN_ROOT, FOREIGN_TABLE] {
        let error = rejection(plugin.library());
        assert!(error.contains("laid out differently") && error.contains("Rebuild"), "{error}");
    }
}

#[test]
fn a_crate_that_does_not_build_is_an_error_with_the_compilers_message() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = "[package]\nname = \"broken\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::create_dir(folder.path().join("src")).expect("writable");
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("writable");
    fs::write(folder.path().join("src/lib.rs"), "pub fn f() -> u8 { \"text\" }").expect("writable");
    let error = list(&[folder.path()]).1;
    assert!(error.contains("does not build") && error.contains("mismatched types"), "{error}");

    fs::write(folder.path().join("src/lib.rs"), "").expect("writable");
    let error = list(&[folder.path()]).1;
    assert!(error.contains("cdylib"), "{error}");
}
