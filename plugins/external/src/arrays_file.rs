//! A file in memory for the arrays of messages. It has no name: the program inherits its descriptor.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use memmap2::MmapMut;

use crate::array::{Array, Dtype, NamedArray};

/// Arrays begin at multiples of this many bytes.
const ALIGNMENT: u64 = 64;

/// A file of arrays, which one of two processes writes and the other one reads.
#[derive(Debug)]
pub(crate) struct ArraysFile {
    file: File,
    /// What this process writes; it is as long as the longest message so far.
    written: Option<MmapMut>,
}

impl ArraysFile {
    /// An empty file, which programs that this process starts inherit.
    pub(crate) fn create() -> io::Result<Self> {
        let file = unnamed()?;
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
        Ok(Self { file: file.into(), written: None })
    }

    /// The number of its descriptor, here and in the program.
    pub(crate) fn descriptor(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Writes an array to the beginning of the file.
    pub(crate) fn write(&mut self, dtype: Dtype, shape: &[u64], values: &[u8]) -> io::Result<Array> {
        self.of_length(values.len() as u64)?[..values.len()].copy_from_slice(values);
        Ok(Array { dtype, shape: shape.to_vec(), offset: 0 })
    }

    /// Writes arrays one after the other.
    pub(crate) fn write_all<'a>(
        &mut self,
        arrays: Vec<(&'a str, Dtype, Vec<u64>, &'a [u8])>,
    ) -> io::Result<Vec<NamedArray>> {
        let places = arrays.iter().scan(0, |end: &mut u64, (.., values)| {
            let offset = *end;
            *end = (offset + values.len() as u64).next_multiple_of(ALIGNMENT);
            Some(offset)
        });
        let places: Vec<u64> = places.collect();
        let length = arrays.last().zip(places.last()).map_or(0, |((.., last), offset)| offset + last.len() as u64);
        let file = self.of_length(length)?;
        let written = arrays.into_iter().zip(places).map(|((name, dtype, shape, values), offset)| {
            file[offset as usize..][..values.len()].copy_from_slice(values);
            NamedArray { name: name.to_owned(), array: Array { dtype, shape, offset } }
        });
        Ok(written.collect())
    }

    /// The file, of at least this many bytes.
    fn of_length(&mut self, bytes: u64) -> io::Result<&mut [u8]> {
        if self.written.as_ref().is_none_or(|written| (written.len() as u64) < bytes) {
            self.file.set_len(bytes.max(1))?;
            // SAFETY: the file is sealed against becoming shorter, where there are seals. The program may write to it: that changes its
            // own arrays, which are plain bytes and are never read here.
            self.written = Some(unsafe { MmapMut::map_mut(&self.file)? });
        }
        Ok(self.written.as_mut().expect("it was mapped"))
    }

    /// The values of an array of at most `longest` bytes.
    ///
    /// # Errors
    ///
    /// What was expected and what came.
    pub(crate) fn read(&self, array: &Array, longest: u64) -> Result<Vec<u8>, String> {
        let unreadable = |error: io::Error| format!("the file of arrays cannot be read: {error}");
        let end = self.file.metadata().map_err(unreadable)?.len();
        let mut values = vec![0; array.bytes(longest, end)? as usize];
        self.file.read_exact_at(&mut values, array.offset).map_err(unreadable)?;
        Ok(values)
    }
}

#[cfg(target_os = "linux")]
fn unnamed() -> io::Result<OwnedFd> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let file = memfd_create("arrays", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    fcntl_add_seals(&file, SealFlags::SHRINK)?;
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn unnamed() -> io::Result<OwnedFd> {
    Ok(tempfile::tempfile()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_and_others_than_were_written_are_refused() {
        let mut file = ArraysFile::create().expect("a file");
        let arrays = vec![("a", Dtype::Uint8, vec![3], &[1u8, 2, 3][..]), ("b", Dtype::Int16, vec![], &[4, 5])];
        let written = file.write_all(arrays).expect("written");
        assert_eq!(file.read(&written[0].array, 3), Ok(vec![1, 2, 3]));
        assert_eq!((written[1].array.offset, file.read(&written[1].array, 2)), (64, Ok(vec![4, 5])));
        let long = Array { dtype: Dtype::Uint8, shape: vec![67], offset: 0 };
        assert!(file.read(&long, 100).expect_err("too long").contains("of a file of 66 bytes"));
    }
}
