//! What a file of weights is, told by its first bytes: names say little (`.bin`, `.ckpt`, `.pth.tar`).

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::error::{Error, Result};

/// The files of weights that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A zip archive, as PyTorch writes since version 1.6.
    Zip,
    Safetensors,
}

/// How to make a file that is read of another one.
const CONVERT: &str = "python -c \"import torch; torch.save(torch.load('OLD', map_location='cpu'), 'NEW.pth')\"";

/// The magic number of `torch.save` before version 1.6, pickled.
const LEGACY: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// What other files that are taken for weights begin with, what they are, and what to do.
const OTHERS: [(&[u8], &str, &str); 7] = [
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "save the weights as safetensors"),
    (b"\x93NUMPY", "an array of numpy", "save the weights as safetensors"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "run git lfs pull"),
    (b"<", "a page of HTML or XML, perhaps of a failed download", "download the file again"),
    (b"{", "JSON, perhaps the index of a checkpoint in parts", "join the parts into one safetensors file"),
];

/// What the file at `path` is.
///
/// # Errors
///
/// If it cannot be read, or is no file of weights: then what it is, as far as that shows, and how to convert it.
pub(super) fn file_kind(path: &Path) -> Result<FileKind> {
    let found = std::fs::metadata(path).map_err(Error::io(path))?;
    if !found.is_file() {
        return Err(Error::file(path, "expected a file of weights, found a folder or a device"));
    }
    let file = File::open(path).map_err(Error::io(path))?;
    kind(&beginning(file).map_err(Error::io(path))?).map_err(|reason| Error::file(path, reason))
}

fn beginning(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The kind of a file that begins with these bytes.
fn kind(bytes: &[u8]) -> Result<FileKind, String> {
    const EXPECTED: &str = "expected weights, a safetensors file or one of torch.save (a zip archive)";
    if bytes.starts_with(b"PK\x03\x04") {
        return Ok(FileKind::Zip);
    }
    // The length of the header, at most 100 MB, and its first letter.
    let header = bytes.first_chunk().map(|&length| u64::from_le_bytes(length));
    if header.is_some_and(|length| length <= 100_000_000) && bytes.get(8) == Some(&b'{') {
        return Ok(FileKind::Safetensors);
    }
    if bytes.is_empty() {
        return Err(format!("{EXPECTED}, found an empty file"));
    }
    if bytes.get(2..).is_some_and(|rest| rest.starts_with(LEGACY)) {
        return Err(format!("{EXPECTED}, found the format of PyTorch before 1.6; convert it: {CONVERT}"));
    }
    if bytes.starts_with(b"\x80") && bytes.get(1).is_some_and(|&protocol| protocol <= 5) {
        return Err(format!("{EXPECTED}, found a pickle; load it in Python, and save the state dict with torch.save"));
    }
    if let Some((_, what, todo)) = OTHERS.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        return Err(format!("{EXPECTED}, found {what}; {todo}"));
    }
    let start = &bytes[..bytes.len().min(8)];
    Err(format!("{EXPECTED}; it begins with the bytes \"{}\"", start.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_a_file_is() {
        assert_eq!(kind(b"PK\x03\x04...."), Ok(FileKind::Zip));
        assert_eq!(kind(b"\x10\0\0\0\0\0\0\0{\"w\""), Ok(FileKind::Safetensors));
        for (bytes, part) in [
            (b"".as_slice(), "an empty file"),
            (&[b"\x80\x02", LEGACY].concat(), "PyTorch before 1.6; convert it: python -c"),
            (b"\x80\x04\x95....", "found a pickle"),
            (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
            (b"{\"metadata\": {}}", "JSON"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff{}", "it begins with the bytes \"\\xff"),
        ] {
            let reason = kind(bytes).expect_err("refused");
            assert!(reason.contains(part), "{reason} lacks {part}");
        }
    }
}
