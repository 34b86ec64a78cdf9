//! Tensors that cross the boundary, with the fields of [DLPack](https://dmlc.github.io/dlpack).

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RVec},
};

/// A device and its memory; the values are those of DLPack's `DLDevice`.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The kind of device: [`CPU_KIND`](Self::CPU_KIND) or [`CUDA_KIND`](Self::CUDA_KIND).
    pub kind: u32,
    /// The device's index among those of its kind.
    pub index: u32,
}

impl Device {
    /// DLPack's `kDLCPU`.
    pub const CPU_KIND: u32 = 1;
    /// DLPack's `kDLCUDA`.
    pub const CUDA_KIND: u32 = 2;

    /// The CPU, and host memory.
    pub const CPU: Self = Self { kind: Self::CPU_KIND, index: 0 };

    /// The CUDA device of that index.
    pub const fn cuda(index: u32) -> Self {
        Self { kind: Self::CUDA_KIND, index }
    }
}

/// The type of an element; the values are those of DLPack's `DLDataType` with one lane.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct DType {
    /// The family: 0 signed integer, 1 unsigned integer, 2 float, 4 bfloat.
    pub code: u8,
    /// Bits per element.
    pub bits: u8,
    /// Lanes of a vector type: always 1.
    pub lanes: u16,
}

impl DType {
    /// 32-bit floating point.
    pub const F32: Self = Self { code: 2, bits: 32, lanes: 1 };
}

/// A tensor that is borrowed for one call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct TensorView<'a> {
    /// The allocation; the first element is at `byte_offset`.
    pub data: *const u8,
    /// The device whose memory `data` points to.
    pub device: Device,
    /// The type of an element.
    pub dtype: DType,
    /// Length of each axis, outermost first.
    pub shape: RSlice<'a, i64>,
    /// Stride of each axis, in elements.
    pub strides: RSlice<'a, i64>,
    /// Offset of the first element from `data`, in bytes.
    pub byte_offset: u64,
    /// The CUDA event to wait for before reading `data`, 0 for none. Always 0 in host memory.
    pub ready_event: u64,
}

/// A tensor whose ownership is passed on. Dropping it calls the release function of the side that allocated it.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct OwnedTensor {
    /// The allocation; the first element is at `byte_offset`.
    pub data: *const u8,
    /// The device whose memory `data` points to.
    pub device: Device,
    /// The type of an element.
    pub dtype: DType,
    /// Length of each axis, outermost first.
    pub shape: RVec<i64>,
    /// Stride of each axis, in elements.
    pub strides: RVec<i64>,
    /// Offset of the first element from `data`, in bytes.
    pub byte_offset: u64,
    /// The CUDA event to wait for before reading `data`, 0 for none. Always 0 in host memory.
    pub ready_event: u64,
    /// What owns `data`; passed to `release`.
    pub owner: *mut (),
    /// Frees `data`; called once.
    pub release: extern "C" fn(owner: *mut ()),
}

impl OwnedTensor {
    /// The tensor, borrowed.
    pub fn view(&self) -> TensorView<'_> {
        TensorView {
            data: self.data,
            device: self.device,
            dtype: self.dtype,
            shape: self.shape.as_rslice(),
            strides: self.strides.as_rslice(),
            byte_offset: self.byte_offset,
            ready_event: self.ready_event,
        }
    }
}

impl Drop for OwnedTensor {
    fn drop(&mut self) {
        (self.release)(self.owner);
    }
}
