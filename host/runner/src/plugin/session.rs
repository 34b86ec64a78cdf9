//! A method's session, as the host uses it: safe calls with plain slices.

use std::{marker::PhantomData, path::PathBuf};

use abi_stable::std_types::{RResult, RSlice};
use physrep_abi::{
    BatchView, CreateArgs, DType, Device, ErrorCode, GeometryView, LoadScope, OwnedTensor, Parameter, PluginError,
    StepReport, TensorView,
};

use physrep_records as records;
use serde::{Deserialize, Serialize};

use super::{
    callbacks::{CallbackContext, Callbacks},
    geometry::Geometry,
    interface::Interfaces,
    library::Plugin,
};
use crate::{
    device::{BatchRef, MemoryKind},
    error::{Error, Result, plain},
};

/// The configuration of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionSpec {
    /// The method's configuration: an object with the keys that differ from the defaults.
    pub config: serde_json::Value,
    /// The systems to pretrain on.
    pub systems: Vec<Geometry>,
    /// Frames of a clip to encode.
    pub context_frames: usize,
    /// Frames after the context in a pretraining clip.
    pub future_frames: usize,
    /// Clips in a pretraining batch.
    pub batch: usize,
    /// The number of pretraining steps.
    pub steps: u64,
    /// The root of the session's randomness.
    pub seed: u64,
    /// The device that the method computes on.
    pub device: records::Device,
    /// A folder that the session may write to.
    pub scratch: PathBuf,
}

/// Embeddings of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedTokens {
    /// `(B, tokens, dim)`, row-major.
    pub values: Vec<f32>,
    /// `[B, tokens, dim]`.
    pub shape: [usize; 3],
}

/// The largest number of elements of a tensor: a slice has at most `isize::MAX` bytes.
const MAX_ELEMENTS: usize = isize::MAX as usize / size_of::<f32>();

/// A session of a method. It borrows its callbacks, and is used from the thread that created it.
pub struct Session<'a> {
    pub(super) interfaces: Interfaces,
    pub(super) handle: physrep_abi::SessionHandle,
    pub(super) name: String,
    memory: MemoryKind,
    // The plugin holds its address.
    _context: Box<CallbackContext<'a>>,
    _single_thread: PhantomData<*mut ()>,
}

impl<'a> Session<'a> {
    /// Creates a session of `plugin`'s method.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] if the method refuses, such as a configuration.
    pub fn new(plugin: &Plugin, spec: &SessionSpec, callbacks: &'a dyn Callbacks) -> Result<Self> {
        let context = Box::new(CallbackContext(callbacks));
        let channels: Vec<_> = spec.systems.iter().map(Geometry::abi_channels).collect();
        let systems: Vec<GeometryView<'_>> =
            spec.systems.iter().zip(&channels).map(|(geometry, channels)| geometry.abi_system(channels)).collect();
        let config = spec.config.to_string();
        let scratch = spec.scratch.to_string_lossy();
        let args = CreateArgs {
            config: config.as_str().into(),
            systems: systems.as_slice().into(),
            context_frames: spec.context_frames as u32,
            future_frames: spec.future_frames as u32,
            batch_size: spec.batch as u32,
            pretrain_steps: spec.steps,
            device: match spec.device {
                records::Device::Cpu => Device::CPU,
                records::Device::Cuda(index) => Device::cuda(index),
            },
            seed: spec.seed,
            scratch_dir: scratch.as_ref().into(),
            host: context.host_callbacks(),
        };
        let name = plugin.library().name().to_owned();
        let handle = checked(&name, (plugin.interfaces.method.create)(&args))?;
        Ok(Self {
            interfaces: plugin.interfaces,
            handle,
            name,
            memory: match spec.device {
                records::Device::Cpu => MemoryKind::Host,
                records::Device::Cuda(index) if plugin.library().accepts_device_memory() => MemoryKind::Device(index),
                records::Device::Cuda(index) => MemoryKind::Pinned(index),
            },
            _context: context,
            _single_thread: PhantomData,
        })
    }

    /// The kind of memory that clips are read from fastest; host memory is always accepted.
    pub fn memory(&self) -> MemoryKind {
        self.memory
    }

    /// One pretraining step on clips `(B, C, T, H, W)` of the system with index `system`.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error.
    pub fn pretrain_step(&mut self, clips: BatchRef<'_>, shape: [usize; 5], system: usize) -> Result<StepReport> {
        let report =
            with_batch(clips, shape, system, |batch| (self.interfaces.method.pretrain_step)(self.handle, batch));
        checked(&self.name, report)
    }

    /// Embeds clips `(B, C, T, H, W)` of the system with index `system`.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error, or if it returns an invalid tensor.
    pub fn encode(&self, clips: BatchRef<'_>, shape: [usize; 5], system: usize) -> Result<EncodedTokens> {
        let tokens = with_batch(clips, shape, system, |batch| (self.interfaces.method.encode)(self.handle, batch));
        self.tokens(checked(&self.name, tokens)?, shape[0])
    }

    /// Checks and copies the tokens that a plugin returned for `clips` clips.
    pub(super) fn tokens(&self, tokens: OwnedTensor, clips: usize) -> Result<EncodedTokens> {
        let refuse = |what: String| Error::Method { method: self.name.clone(), message: what };
        let sizes: Vec<usize> = tokens.shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect();
        let [b, n, d] = *sizes.as_slice() else {
            return Err(refuse(format!(
                "encode returned a tensor of shape {:?}; expected (B, tokens, dim)",
                tokens.shape
            )));
        };
        // The stride of an axis of length one is irrelevant.
        let mut next = 1i64;
        let contiguous = tokens.strides.len() == 3
            && sizes.iter().zip(tokens.strides.iter()).rev().all(|(&length, &stride)| {
                let fits = length == 1 || stride == next;
                next = next.saturating_mul(length as i64);
                fits
            });
        let plain = tokens.device == Device::CPU && tokens.dtype == DType::F32 && contiguous && !tokens.data.is_null();
        // Where the values begin; a wild offset is one that no tensor has.
        let offset = usize::try_from(tokens.byte_offset).ok().filter(|&offset| offset <= isize::MAX as usize);
        let start = offset.map(|offset| tokens.data.wrapping_add(offset).cast::<f32>());
        let start = start.filter(|start| start.is_aligned() && start.addr() >= tokens.data.addr());
        let elements = b.checked_mul(n).and_then(|tokens| tokens.checked_mul(d)).filter(|&n| n <= MAX_ELEMENTS);
        let (Some(elements), Some(start)) = (elements.filter(|_| b == clips && n > 0 && d > 0 && plain), start) else {
            return Err(refuse(format!(
                "encode returned shape {:?}, strides {:?}, {:?} on {:?} at {:?} + {}; expected ({}, tokens, dim), contiguous \
                 f32 in host memory",
                tokens.shape, tokens.strides, tokens.dtype, tokens.device, tokens.data, tokens.byte_offset, clips
            )));
        };
        // SAFETY: the pointer is neither null nor misaligned, neither it nor the size overflows, and by the contract of the ABI the plugin
        // owns this many contiguous f32 values there until the tensor is dropped below.
        let values = unsafe { std::slice::from_raw_parts(start, elements) };
        Ok(EncodedTokens { values: values.to_vec(), shape: [b, n, d] })
    }

    /// The complete state, as the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error.
    pub fn save(&self) -> Result<Vec<u8>> {
        checked(&self.name, (self.interfaces.method.save)(self.handle)).map(Into::into)
    }

    /// Loads a complete state, or the encoder's weights, from the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error.
    pub fn load(&mut self, file: &[u8], scope: LoadScope) -> Result<()> {
        checked(&self.name, (self.interfaces.method.load)(self.handle, file.into(), scope))
    }

    /// The trainable tensors, in order of their names.
    ///
    /// # Errors
    ///
    /// [`Error::Method`] with the method's error.
    pub fn parameters(&self) -> Result<Vec<Parameter>> {
        checked(&self.name, (self.interfaces.method.parameters)(self.handle)).map(Into::into)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        (self.interfaces.method.destroy)(self.handle);
    }
}

pub(super) fn checked<T>(method: &str, result: RResult<T, PluginError>) -> Result<T> {
    result.into_result().map_err(|error| match error.code {
        ErrorCode::CONFIG | ErrorCode::UNSUPPORTED => {
            Error::Refused { method: method.to_owned(), message: plain(&error.message) }
        }
        _ => Error::method(method, &error.message),
    })
}

/// Passes contiguous clips to `call`.
pub(super) fn with_batch<T>(
    clips: BatchRef<'_>,
    shape: [usize; 5],
    system: usize,
    call: impl FnOnce(&BatchView<'_>) -> T,
) -> T {
    with_view(clips, &shape, |clips| call(&BatchView { clips, system: system as u32 }))
}

/// Passes a contiguous tensor to `call`.
pub(super) fn with_view<T>(values: BatchRef<'_>, shape: &[usize], call: impl FnOnce(TensorView<'_>) -> T) -> T {
    assert_eq!(values.len(), shape.iter().product::<usize>(), "a tensor holds as many values as its shape says");
    let lengths: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
    let mut strides = vec![1i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * lengths[axis];
    }
    let (data, device, ready) = match values {
        BatchRef::Host(values) => (values.as_ptr().cast(), Device::CPU, 0),
        BatchRef::Device(buffer, _) => {
            (buffer.address() as *const u8, Device::cuda(buffer.gpu()), buffer.ready_event())
        }
    };
    call(TensorView {
        data,
        device,
        dtype: DType::F32,
        shape: RSlice::from_slice(&lengths),
        strides: RSlice::from_slice(&strides),
        byte_offset: 0,
        ready_event: ready,
    })
}
