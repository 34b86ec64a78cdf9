//! JSON files that carry a digest of themselves, so that a changed digit is noticed where the file is read.
//!
//! The digest is BLAKE3 of the file's bytes with [`Digest::default`], 64 zeros, in its place.

use std::{ops::Range, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    files,
};

/// The hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// The digest of the file that it stands in, under the key `digest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Digest(String);

impl Default for Digest {
    /// Before it is known.
    fn default() -> Self {
        Self("0".repeat(DIGITS))
    }
}

/// Writes `value`, which has a [`Digest`] under the key `digest`, to `path` as indented JSON, with its digest.
///
/// # Errors
///
/// As [`files::write`].
///
/// # Panics
///
/// If the value has no key `digest`.
pub fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::File { path: path.to_owned(), reason: format!("cannot be written as JSON: {e}") })?;
    text.push(b'\n');
    files::write(path, &sealed(text))
}

/// Reads the JSON that [`write()`] has written to `path`; its content may be compressed, `NAME.gz`.
///
/// # Errors
///
/// [`Error::Damaged`] if the bytes do not fit the digest, or are not JSON of a `T`; [`Error::Io`] if they cannot be read.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = files::read_bounded(path)?;
    check(path, &bytes)?;
    serde_json::from_slice(&bytes).map_err(|e| Error::Damaged {
        path: path.to_owned(),
        reason: format!("not the JSON that was expected here: {e}"),
    })
}

/// Checks that bytes fit the digest in them. `path` is what errors call the file.
///
/// # Errors
///
/// [`Error::Damaged`] if they do not, or have none.
pub(crate) fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    let damaged = |reason: &str| Error::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    let place = place(bytes).ok_or_else(|| {
        damaged("it has no `digest` of 64 digits: it is damaged, or of an earlier version of this program")
    })?;
    let found = &bytes[place.clone()];
    match found == digest(bytes, &place).as_bytes() {
        true => Ok(()),
        false => Err(damaged("it is damaged or was changed: its content does not fit its `digest`")),
    }
}

/// The text of a JSON file with its digest in the place of what is there.
///
/// # Panics
///
/// If the text has no key `digest` with 64 digits.
pub fn sealed(mut text: Vec<u8>) -> Vec<u8> {
    let place = place(&text).expect("a sealed file has the key `digest`");
    let digest = digest(&text, &place);
    text[place].copy_from_slice(digest.as_bytes());
    text
}

/// Where the digits of the digest are.
fn place(bytes: &[u8]) -> Option<Range<usize>> {
    const KEY: &[u8] = b"\"digest\":";
    let key = bytes.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let start = key + bytes[key..].iter().position(|&byte| byte != b' ')? + 1;
    let digits = bytes.get(start..start + DIGITS)?;
    let quoted = bytes[start - 1] == b'"' && bytes.get(start + DIGITS) == Some(&b'"');
    (quoted && digits.iter().all(u8::is_ascii_hexdigit)).then_some(start..start + DIGITS)
}

fn digest(bytes: &[u8], place: &Range<usize>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..place.start]).update(&[b'0'; DIGITS]).update(&bytes[place.end..]);
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        name: String,
        digest: Digest,
        values: Vec<f64>,
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file.json");
        let file = File { name: "a \"digest\":\"0".into(), digest: Digest::default(), values: vec![0.1, 1.0 / 3.0] };
        write(&path, &file).expect("written");
        let read: File = super::read(&path).expect("as it was written");
        assert_eq!((read.name, read.values), (file.name, file.values));
        let bytes = files::read(&path).expect("bytes");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(check(&path, &flipped), Err(Error::Damaged { .. })), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(check(&path, &bytes[..length]).is_err(), "{length} bytes");
        }
        assert_eq!(sealed(bytes.clone()), bytes);
    }
}
