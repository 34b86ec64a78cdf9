//! Cleared memory.

use rayon::prelude::*;

use super::scalar::Scalar;

/// `len` zeros, cleared by all threads.
pub(crate) fn zeros<T: Scalar>(len: usize) -> Vec<T> {
    const BLOCK: usize = 64 * 1024;
    if len <= BLOCK {
        return vec![T::zero(); len];
    }
    let mut zeros = Vec::with_capacity(len);
    zeros.spare_capacity_mut()[..len].par_chunks_mut(BLOCK).for_each(|block| {
        for element in block {
            element.write(T::zero());
        }
    });
    // SAFETY: the first `len` elements were written above.
    unsafe { zeros.set_len(len) };
    zeros
}
