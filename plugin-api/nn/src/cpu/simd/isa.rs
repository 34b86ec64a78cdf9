//! The choice of the instruction set, and how kernels are compiled for it.

#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::portable::Portable;
use super::vector::{Kernel, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::cpu::scalar::Scalar;

/// A scalar that kernels are written for: `f32` or `f64`.
pub(crate) trait Float: Scalar {
    /// Runs `kernel` with the instruction set `isa`, or with the widest below it that has kernels of this type.
    fn run<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output;
}

impl Float for f32 {
    fn run<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output {
        isa.run_single(kernel)
    }
}

impl Float for f64 {
    /// Always portable code: this type is for gradient checks, and its kernels for every instruction set would take as
    /// long to compile as those that train.
    fn run<K: Kernel<Self>>(_isa: Isa, kernel: K) -> K::Output {
        Portable::<f64>::call(kernel)
    }
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

#[cfg(target_arch = "x86_64")]
static WITHOUT_AVX2: LazyLock<bool> = LazyLock::new(|| std::env::var_os("PHYSREP_NO_AVX2").is_some());
#[cfg(target_arch = "x86_64")]
static WITHOUT_AVX512: LazyLock<bool> =
    LazyLock::new(|| *WITHOUT_AVX2 || std::env::var_os("PHYSREP_NO_AVX512").is_some());

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

/// Whether kernels use vector instructions on this machine; if not, they are portable code.
pub fn has_vector_kernels() -> bool {
    Isa::best().0 != Set::Portable
}

impl Isa {
    /// The instruction sets of this machine, the widest first. With `PHYSREP_NO_AVX512` set, as if it had no AVX-512, and with
    /// `PHYSREP_NO_AVX2` neither: to time the kernels of other machines on this one.
    pub(crate) fn available() -> impl Iterator<Item = Isa> {
        [
            #[cfg(target_arch = "x86_64")]
            (Set::Avx512, is_x86_feature_detected!("avx512f") && !*WITHOUT_AVX512),
            #[cfg(target_arch = "x86_64")]
            (Set::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && !*WITHOUT_AVX2),
            // Every AArch64 processor has NEON.
            #[cfg(target_arch = "aarch64")]
            (Set::Neon, true),
            (Set::Portable, true),
        ]
        .into_iter()
        .filter_map(|(set, there)| there.then_some(Isa(set)))
    }

    /// The widest instruction set of this machine.
    pub(crate) fn best() -> Isa {
        Self::available().next().unwrap_or(Isa(Set::Portable))
    }

    /// The widest instruction set of which `channels` channels fill at least half a register.
    pub(crate) fn for_channels<T: Float>(channels: usize) -> Isa {
        Self::available()
            .find(|isa| isa.lanes::<T>() <= 8 || isa.lanes::<T>() < 2 * channels)
            .unwrap_or(Isa(Set::Portable))
    }

    /// Elements per register.
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

    /// [`run`](Self::run) in single precision, whose kernels are compiled for every instruction set.
    fn run_single<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        // The machine has the instruction set: `available` made this `Isa`, and has checked it.
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => x86::F32x16::call(kernel),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => x86::F32x8::call(kernel),
            #[cfg(target_arch = "aarch64")]
            Set::Neon => neon::F32x4::call(kernel),
            Set::Portable => Portable::<f32>::call(kernel),
        }
    }
}
