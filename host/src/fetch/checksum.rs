//! Checksums of files as the hub lists them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use physrep_benchmarks::regular_file;
use sha1::Sha1;
use sha2::{
    Sha256,
    digest::{Digest, Output},
};

use crate::error::{Error, Result};

/// The checksum of a file on the hub, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// For a file in large file storage: SHA-256 of its bytes.
    Sha256(String),
    /// For a small file, stored in git itself: its object name, the SHA-1 of `blob SIZE\0` and its bytes.
    GitBlob(String),
}

impl Checksum {
    /// The checksum's digits.
    pub fn digits(&self) -> &str {
        match self {
            Self::Sha256(digits) | Self::GitBlob(digits) => digits,
        }
    }

    /// Whether the digits have the form of such a checksum. The hub's response is not trusted.
    pub fn is_well_formed(&self) -> bool {
        let length = match self {
            Self::Sha256(_) => 64,
            Self::GitBlob(_) => 40,
        };
        let digits = self.digits();
        digits.len() == length && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Computes the checksum of the same kind of the file at `path`.
    ///
    /// # Errors
    /// [`Error::Records`] if it cannot be read.
    pub fn of_file(&self, path: &Path) -> Result<Self> {
        let compute = || -> io::Result<Self> {
            let mut file = regular_file::open(path)?;
            Ok(match self {
                Self::Sha256(_) => Self::Sha256(hexadecimal(&digest(Sha256::new(), &mut file)?)),
                Self::GitBlob(_) => {
                    let header = format!("blob {}\0", file.metadata()?.len());
                    Self::GitBlob(hexadecimal(&digest(Sha1::new_with_prefix(header), &mut file)?))
                }
            })
        };
        compute().map_err(Error::io(path))
    }
}

fn digest<D: Digest>(mut digest: D, file: &mut File) -> io::Result<Output<D>> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finalize()),
            n => digest.update(&buffer[..n]),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        std::fs::write(&path, "abc").expect("writable");
        // FIPS 180-4's example, and what `printf abc | git hash-object --stdin` prints.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let blob = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
        for known in [Checksum::Sha256(sha256.into()), Checksum::GitBlob(blob.into())] {
            assert!(known.is_well_formed());
            assert_eq!(known.of_file(&path).expect("readable"), known);
        }
        assert!(!Checksum::Sha256(blob.into()).is_well_formed());
        assert!(!Checksum::GitBlob("../".repeat(13) + "a").is_well_formed());
    }
}
