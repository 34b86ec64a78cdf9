//! One register, as kernels see it.

use crate::cpu::scalar::Scalar;

/// A register of [`LANES`](Self::LANES) elements.
pub(crate) trait Vector<T: Scalar>: Copy {
    /// Elements of a register.
    const LANES: usize;
    /// Whether the instruction set has fused multiply-add.
    const FUSED: bool;
    /// Number of registers.
    const REGISTERS: usize;

    fn splat(value: T) -> Self;

    /// # Safety
    /// `from` is valid for reading `LANES` elements.
    unsafe fn load(from: *const T) -> Self;

    /// # Safety
    /// `to` is valid for writing `LANES` elements.
    unsafe fn store(self, to: *mut T);

    fn add(self, other: Self) -> Self;

    fn sub(self, other: Self) -> Self;

    fn mul(self, other: Self) -> Self;

    /// The sum of all elements.
    fn sum(self) -> T;

    /// `self * b + c`, fused where [`FUSED`](Self::FUSED).
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// Runs `kernel` with these registers, in a function of its own. `Isa::run` calls it, and kernels that use other
    /// kernels: inlined instead, each of them would be compiled again wherever it is used.
    ///
    /// The machine must have the instruction set, as for all functions of this trait.
    fn call<K: Kernel<T>>(kernel: K) -> K::Output;
}

/// A computation that is compiled for every instruction set. `run` and all functions that it calls must be
/// `#[inline(always)]`, and must not go through rayon; otherwise they are compiled for the baseline instruction set.
/// Another kernel is called by [`Vector::call`].
pub(crate) trait Kernel<T: Scalar> {
    type Output;
    fn run<V: Vector<T>>(self) -> Self::Output;
}

/// The register that starts with the elements of `from`; missing ones are zeros.
#[inline(always)]
pub(crate) fn load_some<T: Scalar, V: Vector<T>>(from: &[T]) -> V {
    if from.len() >= V::LANES {
        // SAFETY: checked on the line above.
        return unsafe { V::load(from.as_ptr()) };
    }
    let mut all = [T::zero(); 16];
    assert!(V::LANES <= all.len());
    all[..from.len()].copy_from_slice(from);
    // SAFETY: checked two lines above.
    unsafe { V::load(all.as_ptr()) }
}

/// Writes the first elements of the register to `to`, as many as fit.
#[inline(always)]
pub(crate) fn store_some<T: Scalar, V: Vector<T>>(register: V, to: &mut [T]) {
    if to.len() >= V::LANES {
        // SAFETY: checked on the line above.
        return unsafe { register.store(to.as_mut_ptr()) };
    }
    let mut all = [T::zero(); 16];
    assert!(V::LANES <= all.len());
    // SAFETY: checked on the line above.
    unsafe { register.store(all.as_mut_ptr()) }
    let len = to.len();
    to.copy_from_slice(&all[..len]);
}

/// The first elements of `from`, which has a register of them or more.
#[inline(always)]
pub(crate) fn load<T: Scalar, V: Vector<T>>(from: &[T]) -> V {
    assert!(from.len() >= V::LANES);
    // SAFETY: checked on the line above.
    unsafe { V::load(from.as_ptr()) }
}

/// Writes the register to the start of `to`, which has room for it.
#[inline(always)]
pub(crate) fn store<T: Scalar, V: Vector<T>>(register: V, to: &mut [T]) {
    assert!(to.len() >= V::LANES);
    // SAFETY: checked on the line above.
    unsafe { register.store(to.as_mut_ptr()) }
}

/// Asks for the cache line of `address`, which may be any.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address has no effect but on the time that later accesses take.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
