//! Vector registers behind one trait, so that a kernel is written once and compiled for every
//! instruction set; the best one is chosen when the program runs.

use crate::float::Float;

/// A register of [`LANES`](Self::LANES) numbers.
pub(crate) trait Vector<T: Float>: Copy {
    /// How many numbers a register holds.
    const LANES: usize;
    /// Whether the instruction set has fused multiply-add.
    const FUSED: bool;
    /// How many registers there are.
    const REGISTERS: usize;

    fn splat(value: T) -> Self;

    /// # Safety
    /// `from` is valid for reading `LANES` numbers.
    unsafe fn load(from: *const T) -> Self;

    /// # Safety
    /// `to` is valid for writing `LANES` numbers.
    unsafe fn store(self, to: *mut T);

    fn add(self, other: Self) -> Self;

    fn sub(self, other: Self) -> Self;

    fn mul(self, other: Self) -> Self;

    /// The sum of all numbers in it.
    fn sum(self) -> T;

    /// `self * b + c`, fused where [`FUSED`](Self::FUSED).
    fn mul_add(self, b: Self, c: Self) -> Self;
}

/// Work that is compiled for every instruction set. `run` and all that it calls must be
/// `#[inline(always)]`, and must not go through rayon, or it is compiled without the set's
/// instructions.
pub(crate) trait Kernel<T: Float> {
    type Output;
    fn run<V: Vector<T>>(self) -> Self::Output;
}

/// An instruction set of this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Isa(Set);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

/// The name of the instruction set that kernels use on this machine.
pub fn instruction_set() -> &'static str {
    match Isa::best().0 {
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => "AVX-512",
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => "AVX2 and FMA",
        #[cfg(target_arch = "aarch64")]
        Set::Neon => "NEON",
        Set::Portable => "portable code",
    }
}

impl Isa {
    /// All that this machine has, the widest first.
    pub(crate) fn available() -> impl Iterator<Item = Isa> {
        [
            #[cfg(target_arch = "x86_64")]
            (Set::Avx512, is_x86_feature_detected!("avx512f")),
            #[cfg(target_arch = "x86_64")]
            (Set::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
            // Every processor of this kind has it.
            #[cfg(target_arch = "aarch64")]
            (Set::Neon, true),
            (Set::Portable, true),
        ]
        .into_iter()
        .filter_map(|(set, there)| there.then_some(Isa(set)))
    }

    /// The widest of this machine.
    pub(crate) fn best() -> Isa {
        Self::available().next().unwrap_or(Isa(Set::Portable))
    }

    /// The widest, unless `channels` channels would leave half of a long register empty.
    pub(crate) fn for_channels<T: Float>(channels: usize) -> Isa {
        Self::available()
            .find(|isa| isa.lanes::<T>() <= 8 || isa.lanes::<T>() < 2 * channels)
            .unwrap_or(Isa(Set::Portable))
    }

    /// How many numbers one register holds.
    pub(crate) fn lanes<T: Float>(self) -> usize {
        struct Lanes;
        impl<T: Float> Kernel<T> for Lanes {
            type Output = usize;
            #[inline(always)]
            fn run<V: Vector<T>>(self) -> usize {
                V::LANES
            }
        }
        self.run::<T, _>(Lanes)
    }

    /// Runs `kernel` with this instruction set.
    pub(crate) fn run<T: Float, K: Kernel<T>>(self, kernel: K) -> K::Output {
        T::run(self, kernel)
    }

    /// [`run`](Self::run) in single precision, which has kernels for every instruction set.
    pub(crate) fn run_single<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn run<K: Kernel<f32>>(kernel: K) -> K::Output {
                    kernel.run::<x86::F32x16>()
                }
                // SAFETY: an `Isa` comes from `available`, which asked the machine.
                unsafe { run(kernel) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                #[target_feature(enable = "avx2,fma")]
                fn run<K: Kernel<f32>>(kernel: K) -> K::Output {
                    kernel.run::<x86::F32x8>()
                }
                // SAFETY: as above.
                unsafe { run(kernel) }
            }
            #[cfg(target_arch = "aarch64")]
            Set::Neon => kernel.run::<neon::F32x4>(),
            Set::Portable => kernel.run::<Portable<f32>>(),
        }
    }
}

/// As many numbers as a register holds and `from` has, then zeros.
#[inline(always)]
pub(crate) fn load_some<T: Float, V: Vector<T>>(from: &[T]) -> V {
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

/// As many of the register's numbers as fit into `to`.
#[inline(always)]
pub(crate) fn store_some<T: Float, V: Vector<T>>(register: V, to: &mut [T]) {
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

/// The register whose numbers `from` begins with.
#[inline(always)]
pub(crate) fn load<T: Float, V: Vector<T>>(from: &[T]) -> V {
    assert!(from.len() >= V::LANES);
    // SAFETY: checked on the line above.
    unsafe { V::load(from.as_ptr()) }
}

/// Writes the register where `to` begins.
#[inline(always)]
pub(crate) fn store<T: Float, V: Vector<T>>(register: V, to: &mut [T]) {
    assert!(to.len() >= V::LANES);
    // SAFETY: checked on the line above.
    unsafe { register.store(to.as_mut_ptr()) }
}

/// Four numbers that the compiler puts into the registers of the baseline machine.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T>([T; 4]);

impl<T: Float> Vector<T> for Portable<T> {
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
}

/// A register of single-precision numbers, by the intrinsics that work on it. The types never leave kernels that
/// [`Isa::run`] started, which is what makes every call of an intrinsic sound.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! vector {
    ($name:ident, $register:ty, $lanes:literal, $registers:literal, $sum:ident,
     $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $mul_add:ident) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name($register);

        impl super::Vector<f32> for $name {
            const LANES: usize = $lanes;
            const FUSED: bool = true;
            const REGISTERS: usize = $registers;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: see the macro; so too below.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                Self(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                Self(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            fn sum(self) -> f32 {
                unsafe { $sum(self.0) }
            }

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                Self(unsafe { $mul_add(self.0, b.0, c.0) })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! AVX-512 and AVX2.

    use std::arch::x86_64::*;

    #[rustfmt::skip]
    vector!(F32x16, __m512, 16, 32, _mm512_reduce_add_ps,
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_fmadd_ps);
    #[rustfmt::skip]
    vector!(F32x8, __m256, 8, 16, sum_ps,
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_fmadd_ps);

    #[target_feature(enable = "avx2")]
    fn sum_ps(register: __m256) -> f32 {
        let half = _mm_add_ps(_mm256_castps256_ps128(register), _mm256_extractf128_ps::<1>(register));
        let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
        _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)))
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    //! NEON.

    use std::arch::aarch64::*;

    #[rustfmt::skip]
    vector!(F32x4, float32x4_t, 4, 32, vaddvq_f32,
        vdupq_n_f32, vld1q_f32, vst1q_f32, vaddq_f32, vsubq_f32, vmulq_f32, multiply_add);

    #[target_feature(enable = "neon")]
    fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        vfmaq_f32(c, a, b)
    }
}
