//! Reads weights from safetensors files and from those of PyTorch's `torch.save`, as other programs have left them.
//!
//! First the file says which tensors it has; [`choice`] finds among them those of a method's encoder, by name and shape; these alone
//! are read. So what a file claims of itself costs no memory, and nothing in it is executed.

mod choice;
mod element;
mod file_kind;
mod named_tensors;
mod pickle;
mod safetensors_file;
mod strided;
mod torch_archive;
mod torch_tensor;

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use ::safetensors::tensor::TensorView;

use self::{
    choice::{Wanted, choose},
    element::{Element, not_finite, single_precision},
    file_kind::{FileKind, file_kind},
    named_tensors::NamedTensor,
    safetensors_file::SafetensorsFile,
    torch_archive::TorchArchive,
};
use crate::{
    error::{Error, Result, plain},
    method_process::ParameterFacts,
};

/// How often all tensors of a file may repeat its bytes, as tied weights do.
const REPEATED: u64 = 16;

/// An open file of weights.
pub(crate) struct WeightsFile {
    path: PathBuf,
    content: Content,
}

enum Content {
    Torch(Box<TorchArchive>),
    Safetensors(SafetensorsFile),
}

impl WeightsFile {
    /// Opens a file, whose content tells what it is, and reads which tensors it has.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has no tensors.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let error = |reason: String| Error::file(path, plain(&reason));
        let content = match file_kind(path)? {
            FileKind::Zip => {
                let file = File::open(path).map_err(Error::io(path))?;
                Content::Torch(Box::new(TorchArchive::open(BufReader::new(file)).map_err(error)?))
            }
            FileKind::Safetensors => Content::Safetensors(SafetensorsFile::open(path)?),
        };
        let file = Self { path: path.into(), content };
        if file.tensors().is_empty() {
            let reason = match file.unread() {
                unread if unread.is_empty() => "expected tensors, found none; save a state dict".into(),
                unread => format!("expected tensors, found none that can be read{unread}"),
            };
            return Err(error(reason));
        }
        Ok(file)
    }

    /// The parameters of a method's encoder, as the bytes of a safetensors file with the method's own names. If there are several
    /// places in the file that fit, `key` names the one. A method whose encoder has no parameters gets all tensors as they are called.
    ///
    /// # Errors
    ///
    /// If they are not in the file, or cannot be read.
    pub(crate) fn encoder(&mut self, parameters: &[ParameterFacts], key: Option<&str>) -> Result<Vec<u8>> {
        let wanted = parameters.iter().filter(|parameter| parameter.encoder);
        let wanted: Vec<Wanted> = wanted
            .map(|ParameterFacts { name, shape, .. }| Wanted { name: name.clone(), shape: shape.clone() })
            .collect();
        if wanted.is_empty() {
            return self.all();
        }
        let chosen = choose(&wanted, self.tensors(), key);
        let chosen = chosen.map_err(|reason| self.error(&(reason + &self.unread())))?;
        self.read(wanted.into_iter().map(|wanted| wanted.name).zip(chosen).collect())
    }

    /// All tensors by their names in the file, as the bytes of a safetensors file.
    fn all(&mut self) -> Result<Vec<u8>> {
        if let Content::Torch(archive) = &self.content {
            let sizes = self.tensors().iter().map(|named| archive.bytes(named.tensor));
            let all = sizes.into_iter().try_fold(0u64, |all, bytes| all.checked_add(bytes?));
            let file = self.path.metadata().map_err(Error::io(&self.path))?.len();
            if all.is_none_or(|all| all > REPEATED * file) {
                return Err(self.error("its tensors repeat the values that it has too often; save the weights alone"));
            }
        }
        let all = self.tensors().iter().map(|NamedTensor { name, tensor, .. }| (name.clone(), *tensor)).collect();
        self.read(all)
    }

    fn tensors(&self) -> &[NamedTensor] {
        match &self.content {
            Content::Torch(archive) => archive.names().all(),
            Content::Safetensors(file) => file.names(),
        }
    }

    /// As of [`TorchArchive::unread`].
    fn unread(&self) -> String {
        match &self.content {
            Content::Torch(archive) => archive.unread(),
            Content::Safetensors(_) => String::new(),
        }
    }

    /// The bytes of a safetensors file with these tensors.
    fn read(&mut self, tensors: Vec<(String, usize)>) -> Result<Vec<u8>> {
        let mut read: Vec<(String, Element, Vec<usize>, Vec<u8>)> = Vec::new();
        for (name, tensor) in tensors {
            let shape = self.tensors().iter().find(|named| named.tensor == tensor).map(|named| named.shape.clone());
            let shape = shape.unwrap_or_default().into_iter().map(|length| length as usize).collect();
            let values = match &mut self.content {
                Content::Torch(archive) => archive.values(tensor),
                Content::Safetensors(file) => Ok(file.values(tensor)),
            };
            let (element, values) = values.map_err(|reason| self.error(&format!("`{name}`: {reason}")))?;
            let (element, values) = single_precision(element, values);
            if let Some(value) = not_finite(element, &values) {
                return Err(self.error(&format!("`{name}`: expected finite values, found {value}")));
            }
            read.push((name, element, shape, values));
        }
        let views = read
            .iter()
            .map(|(name, element, shape, values)| Ok((name, TensorView::new(*element, shape.clone(), values)?)));
        let views = views.collect::<Result<Vec<_>, ::safetensors::SafeTensorError>>();
        views
            .and_then(|views| ::safetensors::serialize(views, None))
            .map_err(|error| self.error(&format!("its tensors are no file of weights: {error}")))
    }

    fn error(&self, reason: &str) -> Error {
        Error::file(&self.path, plain(reason))
    }
}

/// The tensors in the file at `path`, as the bytes of a safetensors file.
///
/// # Errors
///
/// If the file cannot be read, or holds no tensors.
pub fn read_weights(path: &Path) -> Result<Vec<u8>> {
    WeightsFile::open(path)?.all()
}
