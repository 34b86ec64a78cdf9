//! Vector registers behind one trait, so that a kernel is written once and compiled for every
//! instruction set; the best one is chosen when the program runs.

use crate::float::Float;

/// A register of [`LANES`](Self::LANES) numbers.
pub(crate) trait Vector<T: Float>: Copy {
    /// How many numbers a register holds.
    const LANES: usize;
    /// Whether the instruction set has fused multiply-add.
    const FUSED: bool;

    fn splat(value: T) -> Self;

    /// # Safety
    /// `from` is valid for reading `LANES` numbers.
    unsafe fn load(from: *const T) -> Self;

    /// # Safety
    /// `to` is valid for writing `LANES` numbers.
    unsafe fn store(self, to: *mut T);

    fn add(self, other: Self) -> Self;

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
    Portable,
}

impl Isa {
    /// All that this machine has, the widest first.
    pub(crate) fn available() -> impl Iterator<Item = Isa> {
        [
            #[cfg(target_arch = "x86_64")]
            (Set::Avx512, is_x86_feature_detected!("avx512f")),
            #[cfg(target_arch = "x86_64")]
            (Set::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
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
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn run<T: Float, K: Kernel<T>>(kernel: K) -> K::Output {
                    kernel.run::<T::V512>()
                }
                // SAFETY: an `Isa` comes from `available`, which asked the machine.
                unsafe { run(kernel) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                #[target_feature(enable = "avx2,fma")]
                fn run<T: Float, K: Kernel<T>>(kernel: K) -> K::Output {
                    kernel.run::<T::V256>()
                }
                // SAFETY: as above.
                unsafe { run(kernel) }
            }
            Set::Portable => kernel.run::<Portable<T>>(),
        }
    }
}

/// Four numbers that the compiler puts into the registers of the baseline machine.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T>([T; 4]);

impl<T: Float> Vector<T> for Portable<T> {
    const LANES: usize = 4;
    const FUSED: bool = cfg!(target_arch = "aarch64");

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
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].mul_add(b.0[i], c.0[i], Self::FUSED)))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    //! AVX-512 and AVX2. The types never leave kernels that [`super::Isa::run`] started, which is
    //! what makes every intrinsic call below sound.

    use std::arch::x86_64::*;

    macro_rules! vector {
        ($name:ident, $register:ty, $number:ty, $lanes:literal,
         $splat:ident, $load:ident, $store:ident, $add:ident, $mul_add:ident) => {
            #[derive(Clone, Copy)]
            pub(crate) struct $name($register);

            impl super::Vector<$number> for $name {
                const LANES: usize = $lanes;
                const FUSED: bool = true;

                #[inline(always)]
                fn splat(value: $number) -> Self {
                    // SAFETY: see the module; so too below.
                    Self(unsafe { $splat(value) })
                }

                #[inline(always)]
                unsafe fn load(from: *const $number) -> Self {
                    Self(unsafe { $load(from) })
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut $number) {
                    unsafe { $store(to, self.0) }
                }

                #[inline(always)]
                fn add(self, other: Self) -> Self {
                    Self(unsafe { $add(self.0, other.0) })
                }

                #[inline(always)]
                fn mul_add(self, b: Self, c: Self) -> Self {
                    Self(unsafe { $mul_add(self.0, b.0, c.0) })
                }
            }
        };
    }

    vector!(F32x16, __m512, f32, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps);
    vector!(F64x8, __m512d, f64, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd, _mm512_fmadd_pd);
    vector!(F32x8, __m256, f32, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_fmadd_ps);
    vector!(F64x4, __m256d, f64, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd, _mm256_fmadd_pd);
}
