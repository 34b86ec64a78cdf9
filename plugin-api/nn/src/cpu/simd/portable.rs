//! Registers for every machine: arrays that the compiler keeps in the registers of the baseline instruction set.

use super::vector::{Kernel, Vector};
use crate::cpu::scalar::Scalar;

/// Four elements.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T>([T; 4]);

impl<T: Scalar> Vector<T> for Portable<T> {
    const LANES: usize = 4;
    const FUSED: bool = cfg!(target_arch = "aarch64");
    const REGISTERS: usize = if cfg!(target_arch = "aarch64") { 32 } else { 16 };

    #[inline(always)]
    fn splat(value: T) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's promise; an array needs no more alignment than its elements.
        Self(unsafe { *from.cast::<[T; 4]>() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: as in `load`.
        unsafe { *to.cast::<[T; 4]>() = self.0 }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    fn sum(self) -> T {
        (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].mul_add(b.0[i], c.0[i], Self::FUSED)))
    }

    #[inline(never)]
    fn call<K: Kernel<T>>(kernel: K) -> K::Output {
        kernel.run::<Self>()
    }
}
