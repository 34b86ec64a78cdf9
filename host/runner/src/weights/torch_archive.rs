//! A file of `torch.save`: a zip archive with a pickle, which describes the tensors, and a file for the values of each storage.

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{
    element::{self, Element},
    named_tensors::NamedTensors,
    pickle::Pickle,
    strided::View,
    torch_tensor::{self, Tensors},
};

/// The longest pickle, in bytes. A network of ten thousand tensors takes some 3 MiB.
const LONGEST_PICKLE: u64 = 64 << 20;

/// An open archive.
pub(super) struct TorchArchive<R = BufReader<File>> {
    archive: ZipArchive<R>,
    /// What the names in the archive begin with.
    root: String,
    big_endian: bool,
    views: Vec<View>,
    names: NamedTensors,
    /// What would make the tensors that cannot be read.
    unread: Option<String>,
    /// The storage that was read last, by name.
    storage: (String, Vec<u8>),
}

impl<R: Read + Seek> TorchArchive<R> {
    /// Reads which tensors there are.
    ///
    /// # Errors
    ///
    /// Why it is no file of `torch.save`.
    pub fn open(file: R) -> Result<Self, String> {
        let mut archive = ZipArchive::new(file).map_err(|error| format!("a damaged zip archive: {error}"))?;
        let pickle = archive.file_names().flatten().filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl"));
        let Some(pickle) = pickle.min_by_key(|name| name.len()).map(String::from) else {
            let named = archive.file_names().flatten().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>();
            return Err(format!(
                "expected a zip archive of torch.save with a data.pkl, found one with {}; save a state dict with torch.save",
                named.join(", ")
            ));
        };
        let root = pickle[..pickle.len() - "data.pkl".len()].to_owned();
        let bytes = member(&mut archive, &pickle, LONGEST_PICKLE)?;
        let Tensors { views, names, unread } = torch_tensor::tensors(&Pickle::parse(&bytes)?)?;
        let order = format!("{root}byteorder");
        let big_endian = archive.index_for_name(&order).is_some() && member(&mut archive, &order, 16)? == b"big";
        Ok(Self { archive, root, big_endian, views, names, unread, storage: Default::default() })
    }

    /// The tensors' names.
    pub fn names(&self) -> &NamedTensors {
        &self.names
    }

    /// That there are tensors of kinds that are not read, if so: to append to a message.
    pub fn unread(&self) -> String {
        let unread = self.unread.as_ref();
        let text =
            |kind| format!("; there are tensors of a kind that is not read, `{kind}`: save them dense, as float32");
        unread.map(text).unwrap_or_default()
    }

    /// The size of the values of a tensor, in bytes, as a tensor of its own; none beyond all memory.
    pub fn bytes(&self, tensor: usize) -> Option<u64> {
        let View { shape, element, .. } = &self.views[tensor];
        shape.iter().try_fold(element::bytes(*element) as u64, |bytes, &length| bytes.checked_mul(length))
    }

    /// The values of a tensor in row-major order, little-endian.
    ///
    /// # Errors
    ///
    /// Why they cannot be read.
    pub fn values(&mut self, tensor: usize) -> Result<(Element, Vec<u8>), String> {
        let view = &self.views[tensor];
        if self.storage.0 != view.storage {
            self.storage = Default::default();
            let name = format!("{}data/{}", self.root, view.storage);
            self.storage = (view.storage.clone(), member(&mut self.archive, &name, u64::MAX)?);
        }
        let mut values = view.gather(&self.storage.1)?;
        if self.big_endian {
            values.chunks_exact_mut(element::bytes(view.element)).for_each(<[u8]>::reverse);
        }
        Ok((view.element, values))
    }
}

/// The bytes of a file in the archive, whose checksum is compared.
fn member<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str, most: u64) -> Result<Vec<u8>, String> {
    let wrong = |error: ZipError| match error {
        ZipError::FileNotFound => format!("expected `{name}` in the archive, found no such file; it is damaged"),
        error => format!("`{name}`: {error}"),
    };
    let file = archive.by_name(name).map_err(wrong)?;
    if file.compression() != CompressionMethod::Stored {
        return Err(format!(
            "`{name}` is compressed, which torch.save does not do; pack the archive without compression"
        ));
    }
    if file.size() > most {
        return Err(format!("`{name}` has {} bytes, more than {most}; save the weights alone", file.size()));
    }
    // Files are stored as they are, so that one is no longer than the archive, whatever it says of itself.
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(|error| {
        format!("`{name}` is damaged, or was saved without a checksum: {error}; save or copy the file again")
    })?;
    Ok(bytes)
}
