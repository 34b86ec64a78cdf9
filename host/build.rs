//! Packs the SDK's sources and those of the bundled methods into the program, so that an installed program needs no checkout; and lets it
//! start beside older C libraries.

use std::{
    env, fs,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, Header};

/// What is packed, below the root of the checkout: files, and folders with all below them.
const PACKED: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "plugin-api",
    "plugins/autoencoder",
    "plugins/disco",
    "plugins/external",
    "plugins/jepa",
    "plugins/mpp",
    "plugins/videomae",
];

/// Folders that methods do without.
const LEFT_OUT: &[&str] = &["target", "tests", "__pycache__"];

fn main() -> io::Result<()> {
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("ARCH") == "x86_64" && target("ENV") == "gnu" {
        // src/old_glibc.rs has what is called instead.
        for function in ["hypot", "hypotf"] {
            println!("cargo:rustc-link-arg-bins=-Wl,--wrap={function}");
        }
    }
    pack_sources()
}

fn pack_sources() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host is a folder of the checkout");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("sdk.tar.gz");
    let mut files = Vec::new();
    for packed in PACKED {
        println!("cargo:rerun-if-changed={}", root.join(packed).display());
        collect(&root.join(packed), &mut files)?;
    }
    files.sort();
    let mut archive = Builder::new(GzEncoder::new(File::create(out)?, Compression::best()));
    for file in files {
        // Names and bytes alone, so that the same sources give the same archive.
        let bytes = fs::read(&file)?;
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, file.strip_prefix(root).expect("below the root"), bytes.as_slice())?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        let left_out =
            entry.is_dir() && LEFT_OUT.iter().any(|name| entry.file_name().is_some_and(|file| file == *name));
        if !left_out {
            collect(&entry, files)?;
        }
    }
    Ok(())
}
