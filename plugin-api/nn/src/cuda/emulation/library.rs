//! The kernels, compiled for the CPU.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use libloading::Library;

/// The kernels for f32 and for bf16, or why they cannot be built.
pub(crate) fn kernels() -> &'static Mutex<std::result::Result<[Library; 2], String>> {
    static KERNELS: OnceLock<Mutex<std::result::Result<[Library; 2], String>>> = OnceLock::new();
    KERNELS.get_or_init(|| Mutex::new(build()))
}

fn build() -> std::result::Result<[Library; 2], String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut includes = String::new();
    let mut calls = String::new();
    for file in sources(&["cu"]) {
        includes += &format!("#include {:?}\n", file.file_name().unwrap());
        for name in kernels_in(&std::fs::read_to_string(&file).unwrap()) {
            calls += &format!("    if (!strcmp(name, \"{name}\")) return call({name}, arguments);\n");
        }
    }
    std::fs::write(folder.path().join("kernels.cu"), includes).unwrap();
    let main = folder.path().join("kernels.cpp");
    let text = format!(
        "#include \"run.cpp\"\nstatic void call_kernel(const char *name, void **arguments) {{\n{calls}    abort();\n}}\n"
    );
    std::fs::write(&main, text).unwrap();
    let compiler = std::env::var("CXX").unwrap_or("c++".to_string());
    let library = |name: &str, flags: &[&str]| {
        let library = folder.path().join(name);
        let output = Command::new(&compiler)
            .args(["-std=c++17", "-O1", "-w", "-shared", "-fPIC", "-ffp-contract=off"])
            .args(["-fsanitize=bounds", "-fsanitize-undefined-trap-on-error"])
            .args(flags)
            .arg("-I")
            .arg(folder.path())
            .arg("-I")
            .arg(folder_of_sources().join("../emulation"))
            .arg("-I")
            .arg(folder_of_sources())
            .args([main.as_os_str(), "-o".as_ref(), library.as_os_str()])
            .output()
            .map_err(|e| format!("no C++ compiler {compiler}: {e}"))?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // SAFETY: the only initialisers of the library are those of its static C++ objects.
        Ok::<_, String>(unsafe { Library::new(&library) }.unwrap())
    };
    Ok([library("f32.so", &[])?, library("bf16.so", &["-DBF16"])?])
}

/// The folder of the CUDA sources.
fn folder_of_sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cuda/kernels")
}

/// The source files with one of these extensions, sorted by name.
pub(crate) fn sources(extensions: &[&str]) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder_of_sources()).unwrap().map(|entry| entry.unwrap().path());
    let has_extension = |path: &PathBuf| path.extension().is_some_and(|end| extensions.iter().any(|e| end == *e));
    let mut files: Vec<PathBuf> = files.filter(has_extension).collect();
    files.sort();
    files
}

/// The names of the kernels that a source file defines.
fn kernels_in(source: &str) -> Vec<String> {
    let name = |definition: &str| {
        let signature = match definition.trim_start().strip_prefix("__launch_bounds__") {
            Some(rest) => rest.split_once(')').unwrap().1,
            None => definition,
        };
        signature.split_once('(').unwrap().0.trim().to_string()
    };
    source.split("extern \"C\" __global__ void ").skip(1).map(name).collect()
}
