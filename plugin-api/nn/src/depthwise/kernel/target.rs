//! A field that several tasks write at once.

use std::{marker::PhantomData, ops::Range};

use crate::float::Float;
use crate::simd::Vector;

/// Memory of a field whose tasks write each its own part.
pub(super) struct Target<'a, T> {
    first: *mut T,
    len: usize,
    field: PhantomData<&'a mut [T]>,
}

// SAFETY: it is written through `write` alone, whose caller promises that no two threads write the same elements.
unsafe impl<T: Send> Sync for Target<'_, T> {}

impl<T: Float> Target<'_, T> {
    /// The field of `len` numbers that `write` leaves. They are not cleared before.
    ///
    /// # Safety
    /// `write` writes all of them.
    pub(super) unsafe fn written(len: usize, write: impl FnOnce(&Target<'_, T>)) -> Vec<T> {
        let mut field = Vec::with_capacity(len);
        write(&Target { first: field.as_mut_ptr(), len, field: PhantomData });
        // SAFETY: there is room for so many, and the caller promises that they are written.
        unsafe { field.set_len(len) };
        field
    }

    /// Writes as many numbers of the register as `range` has.
    ///
    /// # Safety
    /// No other thread writes these elements while the target lives.
    #[inline(always)]
    pub(super) unsafe fn write<V: Vector<T>>(&self, range: Range<usize>, register: V) {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: the range is within the field, which lives as long as the target; nobody else uses this part of it.
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
