//! Memory of an emulated GPU.

use std::ffi::c_void;

use half::bf16;

/// Elements on either side of a buffer that no kernel may touch.
const MARGIN: usize = 128;

/// A buffer of a kernel, between margins of NaN.
pub(super) enum Buffer {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
}

impl Buffer {
    pub(super) fn new(values: &[f32], half: bool) -> Self {
        let margin = [f32::NAN; MARGIN];
        let all = [&margin, values, &margin].concat();
        if half { Self::Bf16(all.into_iter().map(bf16::from_f32).collect()) } else { Self::F32(all) }
    }

    /// The address of the element at `offset`.
    pub(super) fn at(&mut self, offset: usize) -> *mut c_void {
        match self {
            Self::F32(all) => all[MARGIN + offset..].as_mut_ptr().cast(),
            Self::Bf16(all) => all[MARGIN + offset..].as_mut_ptr().cast(),
        }
    }

    /// The elements. Panics if a kernel has written to the margins.
    pub(super) fn values(&self) -> Vec<f32> {
        let all: Vec<f32> = match self {
            Self::F32(all) => all.clone(),
            Self::Bf16(all) => all.iter().map(|value| value.to_f32()).collect(),
        };
        let (before, rest) = all.split_at(MARGIN);
        let (values, after) = rest.split_at(rest.len() - MARGIN);
        assert!(before.iter().chain(after).all(|value| value.is_nan()), "a kernel wrote outside its buffer");
        values.to_vec()
    }
}
