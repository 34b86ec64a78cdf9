//! Tensors at the boundary, with the fields of [DLPack](https://dmlc.github.io/dlpack).

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RVec},
};

/// Where memory lies; the numbers are DLPack's `DLDevice`.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The kind of device: 1 CPU, 2 CUDA.
    pub kind: u32,
    /// Which of its kind.
    pub index: u32,
}

impl Device {
    /// Host memory.
    pub const CPU: Self = Self { kind: 1, index: 0 };

    /// The memory of a CUDA device.
    pub const fn cuda(index: u32) -> Self {
        Self { kind: 2, index }
    }
}

/// The type of an element; the numbers are DLPack's `DLDataType` with one lane.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct DType {
    /// The family: 0 signed integer, 1 unsigned integer, 2 float, 4 bfloat.
    pub code: u8,
    /// Bits of an element.
    pub bits: u8,
    /// Elements of a vector: always 1.
    pub lanes: u16,
}

impl DType {
    /// 32-bit floating point.
    pub const F32: Self = Self { code: 2, bits: 32, lanes: 1 };
}

/// A tensor that is lent for the duration of one call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct TensorView<'a> {
    /// The allocation; the first element lies `byte_offset` bytes into it.
    pub data: *const u8,
    /// Where `data` lies.
    pub device: Device,
    /// The type of an element.
    pub dtype: DType,
    /// Length of each axis, outermost first.
    pub shape: RSlice<'a, i64>,
    /// Distance of neighbours along each axis, in elements.
    pub strides: RSlice<'a, i64>,
    /// Distance of the first element from `data`, in bytes.
    pub byte_offset: u64,
    /// A CUDA event to wait on before `data` is read, 0 for none. Always 0 in host memory.
    pub ready: u64,
}

/// A tensor that is handed over. Dropping it calls the maker's release function.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct OwnedTensor {
    /// The allocation; the first element lies `byte_offset` bytes into it.
    pub data: *const u8,
    /// Where `data` lies.
    pub device: Device,
    /// The type of an element.
    pub dtype: DType,
    /// Length of each axis, outermost first.
    pub shape: RVec<i64>,
    /// Distance of neighbours along each axis, in elements.
    pub strides: RVec<i64>,
    /// Distance of the first element from `data`, in bytes.
    pub byte_offset: u64,
    /// A CUDA event to wait on before `data` is read, 0 for none. Always 0 in host memory.
    pub ready: u64,
    /// What the maker needs to free `data`.
    pub manager: *mut (),
    /// Frees `data`, given `manager`; called once.
    pub release: extern "C" fn(manager: *mut ()),
}

impl OwnedTensor {
    /// The tensor, lent.
    pub fn view(&self) -> TensorView<'_> {
        TensorView {
            data: self.data,
            device: self.device,
            dtype: self.dtype,
            shape: self.shape.as_rslice(),
            strides: self.strides.as_rslice(),
            byte_offset: self.byte_offset,
            ready: self.ready,
        }
    }
}

impl Drop for OwnedTensor {
    fn drop(&mut self) {
        (self.release)(self.manager);
    }
}
