//! Registers of `f32` from the intrinsics of an instruction set.

/// Defines a register of `f32` from the intrinsics that work on it. Such registers exist only inside kernels that
/// `Isa::run` has started on a machine with the instruction set, so the intrinsics may be called.
macro_rules! register {
    ($name:ident, $register:ty, $lanes:literal, $registers:literal, $sum:ident, $features:literal,
     $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $mul_add:ident) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name($register);

        impl $crate::cpu::simd::vector::Vector<f32> for $name {
            const LANES: usize = $lanes;
            const FUSED: bool = true;
            const REGISTERS: usize = $registers;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: the machine has the instruction set; see the macro.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the machine has the instruction set, and the caller promises that `from` is readable.
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the machine has the instruction set, and the caller promises that `to` is writable.
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: the machine has the instruction set; see the macro.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                // SAFETY: the machine has the instruction set; see the macro.
                Self(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                // SAFETY: the machine has the instruction set; see the macro.
                Self(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            fn sum(self) -> f32 {
                // SAFETY: the machine has the instruction set; see the macro.
                unsafe { $sum(self.0) }
            }

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: the machine has the instruction set; see the macro.
                Self(unsafe { $mul_add(self.0, b.0, c.0) })
            }

            #[inline(always)]
            fn call<K: $crate::cpu::simd::vector::Kernel<f32>>(kernel: K) -> K::Output {
                #[inline(never)]
                #[target_feature(enable = $features)]
                fn run<K: $crate::cpu::simd::vector::Kernel<f32>>(kernel: K) -> K::Output {
                    kernel.run::<$name>()
                }
                // SAFETY: the machine has the instruction set; see the macro.
                unsafe { run(kernel) }
            }
        }
    };
}
pub(super) use register;
