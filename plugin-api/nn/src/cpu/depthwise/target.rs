//! A field that several tasks write in parallel.

use std::{marker::PhantomData, ops::Range};

use crate::cpu::simd::{Float, Vector};

/// A field in which every task writes a part of its own.
pub(super) struct Target<'a, T> {
    first: *mut T,
    len: usize,
    field: PhantomData<&'a mut [T]>,
}

// SAFETY: `write` is the only access, and its callers promise that no two threads write the same element.
unsafe impl<T: Send> Sync for Target<'_, T> {}

impl<T: Float> Target<'_, T> {
    /// The field of `len` elements that `write` fills. It is not cleared before.
    ///
    /// # Safety
    /// `write` writes every element.
    pub(super) unsafe fn written(len: usize, write: impl FnOnce(&Target<'_, T>)) -> Vec<T> {
        let mut field = Vec::with_capacity(len);
        write(&Target { first: field.as_mut_ptr(), len, field: PhantomData });
        // SAFETY: the capacity is `len`, and the caller promises that all elements were written.
        unsafe { field.set_len(len) };
        field
    }

    /// Where the field starts.
    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *const T {
        self.first
    }

    /// Writes the first elements of the register to `range`, which may be shorter than the register.
    ///
    /// # Safety
    /// No other thread writes these elements while the target lives.
    #[inline(always)]
    pub(super) unsafe fn write<V: Vector<T>>(&self, range: Range<usize>, register: V) {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: the range lies within the field, which outlives the target, and no other thread uses this part of it.
        unsafe {
            let to = self.first.add(range.start);
            if range.len() >= V::LANES {
                return register.store(to);
            }
            let mut all = [T::zero(); 16];
            assert!(V::LANES <= all.len());
            register.store(all.as_mut_ptr());
            to.copy_from_nonoverlapping(all.as_ptr(), range.len());
        }
    }
}
