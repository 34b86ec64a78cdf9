//! What may stand in the place of a file.

use std::{
    ffi::CString,
    fs::{self, File},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

/// Makes it at a path where nothing is.
pub type Place = fn(&Path);

/// What stands there instead.
pub const ALL: [(&str, Place); 8] = [
    ("empty", |path| fs::write(path, b"").expect("writable")),
    ("a folder", |path| fs::create_dir(path).expect("writable")),
    ("a pipe", pipe),
    ("a link to nothing", |path| symlink("nothing", path).expect("writable")),
    ("a link to itself", |path| symlink(path.file_name().expect("a name"), path).expect("writable")),
    ("a link to /dev/zero", |path| symlink("/dev/zero", path).expect("writable")),
    ("a terabyte of zeros", |path| File::create(path).and_then(|file| file.set_len(1 << 40)).expect("writable")),
    ("not UTF-8", |path| fs::write(path, b"\xff\xfe{\"\xc3\x28").expect("writable")),
];

/// A pipe that nobody writes to.
fn pipe(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).expect("a path");
    // SAFETY: the path is a C string.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

/// Puts it in the place of a file.
pub fn put(path: &Path, place: Place) {
    let _ = fs::remove_file(path);
    place(path);
}
