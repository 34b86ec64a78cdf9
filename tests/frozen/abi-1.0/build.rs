//! Names the revision of these sources.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=PHYSREP_METHOD_REVISION=frozen-at-abi-1.0");
}
