//! Opening a plugin's library.

use crate::plugin::Plugin;

#[test]
fn a_library_that_is_absent_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = Plugin::open(&folder.path().join("absent.so")).expect_err("an error").to_string();
    assert!(error.contains("absent.so") && error.contains("cannot be opened"), "{error}");
}
