//! Memory that the process of a cell shares with that of its method: clips are written in the one and read in the other, without a
//! copy. There is a file of it without a name, of which batches are parts.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use memmap2::{Mmap, MmapMut, MmapOptions};
use serde::{Deserialize, Serialize};

/// Parts begin at multiples of this many bytes: a large page, so that parts share none.
const ALIGNMENT: u64 = 2 << 20;

/// A part of shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Where it begins, in bytes.
    offset: u64,
    /// The number of values that it has space for.
    capacity: usize,
}

/// Shared memory, which its creator writes.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    file: File,
    path: PathBuf,
    parts: Mutex<Parts>,
    /// Removes the file at `path`, where it has a name.
    _named: Option<tempfile::TempPath>,
}

/// The parts that were allocated.
#[derive(Debug, Default)]
struct Parts {
    /// The end of the last one, in bytes.
    end: u64,
    /// Those that are not used any more.
    free: Vec<Part>,
}

impl SharedMemory {
    /// Shared memory without any parts.
    ///
    /// # Errors
    ///
    /// If the system cannot create it.
    pub(crate) fn create() -> io::Result<Arc<Self>> {
        let (file, path, named) = create_file()?;
        Ok(Arc::new(Self { file, path, parts: Mutex::default(), _named: named }))
    }

    /// The path at which another process of this user opens it for reading, as long as this process and `self` live.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A buffer of `len` zeros in a part that no other buffer uses.
    ///
    /// # Errors
    ///
    /// If the memory cannot be mapped.
    pub(crate) fn zeros(self: &Arc<Self>, len: usize) -> io::Result<SharedBuffer> {
        let part = self.allocate(len)?;
        let mut options = MmapOptions::new();
        // SAFETY: the file is sealed against becoming shorter. The process of the method opens it for reading; one that opens it once
        // more for writing changes its own clips, which are plain numbers and are never read here.
        let map = unsafe { options.offset(part.offset).len(len * size_of::<f32>()).map_mut(&self.file) };
        let mut buffer = SharedBuffer { map: map?, part, memory: self.clone() };
        buffer.fill(0.0);
        Ok(buffer)
    }

    /// A free part with space for `len` values.
    fn allocate(&self, len: usize) -> io::Result<Part> {
        let mut parts = self.parts.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(found) = parts.free.iter().position(|part| part.capacity >= len) {
            return Ok(parts.free.swap_remove(found));
        }
        let part = Part { offset: parts.end, capacity: len };
        let too_long = || io::Error::new(io::ErrorKind::OutOfMemory, "a batch has more bytes than there are addresses");
        let bytes = (len as u64).checked_mul(size_of::<f32>() as u64).filter(|&bytes| bytes < 1 << 62);
        let end = parts.end + bytes.ok_or_else(too_long)?.next_multiple_of(ALIGNMENT);
        self.file.set_len(end)?;
        parts.end = end;
        Ok(part)
    }
}

/// A file without a name, and the path at which another process opens it.
#[cfg(target_os = "linux")]
fn create_file() -> io::Result<(File, PathBuf, Option<tempfile::TempPath>)> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let file = memfd_create("clips", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    // A process that reads it cannot make it shorter, which would end this one at its next write.
    fcntl_add_seals(&file, SealFlags::SHRINK)?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((file.into(), path.into(), None))
}

/// A temporary file, and the path at which another process opens it.
#[cfg(not(target_os = "linux"))]
fn create_file() -> io::Result<(File, PathBuf, Option<tempfile::TempPath>)> {
    let (file, path) = tempfile::NamedTempFile::new()?.into_parts();
    Ok((file, path.to_owned(), Some(path)))
}

/// A buffer in a part of shared memory, which is free again when the buffer is dropped.
pub(crate) struct SharedBuffer {
    map: MmapMut,
    part: Part,
    memory: Arc<SharedMemory>,
}

impl SharedBuffer {
    /// The part that it is in.
    pub(crate) fn part(&self) -> Part {
        self.part
    }
}

impl Drop for SharedBuffer {
    fn drop(&mut self) {
        self.memory.parts.lock().unwrap_or_else(|e| e.into_inner()).free.push(self.part);
    }
}

impl Deref for SharedBuffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.map)
    }
}

impl DerefMut for SharedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.map)
    }
}

impl fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.part)
    }
}

/// Shared memory of another process, which this one reads.
#[derive(Debug)]
pub(crate) struct SharedClips {
    file: File,
    /// The parts that were read, by their offsets.
    maps: HashMap<u64, Mmap>,
}

impl SharedClips {
    /// Opens the shared memory at `path`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, maps: HashMap::new() })
    }

    /// The same memory once more, mapped anew.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, maps: HashMap::new() })
    }

    /// The first `len` values of a part.
    ///
    /// # Errors
    ///
    /// If the part has fewer, or cannot be mapped.
    pub(crate) fn values(&mut self, part: Part, len: usize) -> io::Result<&[f32]> {
        let map = match self.maps.entry(part.offset) {
            std::collections::hash_map::Entry::Occupied(mapped) => mapped.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let mut options = MmapOptions::new();
                options.offset(part.offset).len(part.capacity * size_of::<f32>());
                // SAFETY: the file is never made shorter, and the process of the cell writes a part only while no batch in it is
                // computed on.
                place.insert(unsafe { options.map(&self.file) }?)
            }
        };
        bytemuck::cast_slice(map).get(..len).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a batch is longer than its part of shared memory")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_one_place_is_read_in_the_other() {
        let memory = SharedMemory::create().expect("memory");
        let mut clips = SharedClips::open(memory.path()).expect("opens");
        let (mut first, mut second) = (memory.zeros(1000).expect("mapped"), memory.zeros(7).expect("mapped"));
        assert_eq!(clips.values(first.part(), 1000).expect("mapped"), [0.0; 1000]);
        first.fill(1.5);
        second.fill(2.5);
        assert_eq!(clips.values(first.part(), 999).expect("mapped"), [1.5; 999]);
        assert_eq!(clips.values(second.part(), 7).expect("mapped"), [2.5; 7]);
        assert!(clips.values(second.part(), 8).is_err());
        second[3] = f32::NAN;
        assert!(clips.values(second.part(), 7).expect("mapped")[3].is_nan());
    }

    #[test]
    fn a_part_is_used_again_by_what_fits_and_is_zeros_again() {
        let memory = SharedMemory::create().expect("memory");
        let mut first = memory.zeros(100).expect("mapped");
        first.fill(3.0);
        let part = first.part();
        drop(first);
        let longer = memory.zeros(101).expect("mapped");
        assert_ne!(longer.part(), part);
        let shorter = memory.zeros(60).expect("mapped");
        assert_eq!((shorter.part(), &*shorter), (part, &[0.0; 60][..]));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_reader_can_neither_write_nor_shorten_it() {
        let memory = SharedMemory::create().expect("memory");
        let _buffer = memory.zeros(10).expect("mapped");
        let file = File::open(memory.path()).expect("opens");
        // SAFETY: the map fails, and nothing else is done with it.
        assert!(unsafe { MmapOptions::new().map_mut(&file) }.is_err());
        assert!(File::options().write(true).open(memory.path()).expect("opens").set_len(0).is_err(), "sealed");
    }
}
