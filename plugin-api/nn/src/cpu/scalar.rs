//! Arithmetic of one element: the two types that CPU kernels are compiled for.

use candle_core::{CpuStorage, WithDType};

/// `f32` or `f64`.
pub(crate) trait Scalar: WithDType {
    /// The elements of a storage, if they have this type.
    fn storage_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;

    fn sqrt(self) -> Self;

    /// `self * b + c`, rounded once if `fused`, else twice. `fused` is for code that is compiled for an instruction set
    /// with fused multiply-add; elsewhere it would be a slow library call.
    fn mul_add(self, b: Self, c: Self, fused: bool) -> Self;

    /// `exp(self)` for `self <= 0`.
    fn exp_of_negative(self, fused: bool) -> Self;

    /// Distribution function and density of the standard normal distribution at `self`.
    fn normal_cdf_pdf(self, fused: bool) -> (Self, Self);
}

const INV_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

impl Scalar for f64 {
    fn storage_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        match storage {
            CpuStorage::F64(elements) => Some(elements),
            _ => None,
        }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self, fused: bool) -> Self {
        if fused { f64::mul_add(self, b, c) } else { self * b + c }
    }

    #[inline(always)]
    fn exp_of_negative(self, _fused: bool) -> Self {
        libm::exp(self)
    }

    #[inline(always)]
    fn normal_cdf_pdf(self, _fused: bool) -> (Self, Self) {
        let cdf = 0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2);
        (cdf, INV_SQRT_2PI * libm::exp(-0.5 * self * self))
    }
}

impl Scalar for f32 {
    fn storage_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        match storage {
            CpuStorage::F32(elements) => Some(elements),
            _ => None,
        }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self, fused: bool) -> Self {
        if fused { f32::mul_add(self, b, c) } else { self * b + c }
    }

    #[inline(always)]
    fn exp_of_negative(self, fused: bool) -> Self {
        exp_of_negative(self, fused)
    }

    /// Without branches and calls, so that loops over it are vectorised. The tail is
    /// `cdf(-s) = exp(-s^2/2) t Q(t)` with `t = 1 / (1 + 0.35 s)`, Q a minimax fit of degree 8 on
    /// `0 <= s <= 13.3` (relative error 3.2e-8).
    #[inline(always)]
    fn normal_cdf_pdf(self, fused: bool) -> (Self, Self) {
        const Q: [f32; 9] = [
            -0.029_115_051,
            0.143_818_59,
            -0.255_391_36,
            0.158_796_94,
            -0.022_843_666,
            0.105_392_24,
            0.119_863_06,
            0.139_857_56,
            0.139_621_66,
        ];
        let s = self.abs();
        let t = 1.0 / Scalar::mul_add(s, 0.35, 1.0, fused);
        // Estrin's scheme: a chain of products half as long as Horner's.
        let pair = |k: usize| Scalar::mul_add(Q[k], t, Q[k + 1], fused);
        let (t2, high) = (t * t, Q[0]);
        let t4 = t2 * t2;
        let low = Scalar::mul_add(pair(5), t2, pair(7), fused);
        let middle = Scalar::mul_add(pair(1), t2, pair(3), fused);
        let q = Scalar::mul_add(Scalar::mul_add(high, t4, middle, fused), t4, low, fused);
        let gauss = exp_of_negative(-0.5 * s * s, fused);
        let tail = gauss * (t * q);
        let cdf = if self < 0.0 { tail } else { 1.0 - tail };
        (cdf, INV_SQRT_2PI as f32 * gauss)
    }
}

/// `exp(x)` for `x <= 0`; below -87 it stays at `exp(-87)`, about 1.6e-38. NaN stays NaN.
#[inline(always)]
fn exp_of_negative(x: f32, fused: bool) -> f32 {
    // ln 2 in two parts, the first short enough for its product with an exponent to be exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = Scalar::mul_add(x, std::f32::consts::LOG2_E, ROUND, fused);
    let n = shifted - ROUND;
    let r = Scalar::mul_add(-n, LN2_HIGH, x, fused);
    let r = Scalar::mul_add(-n, LN2_LOW, r, fused);
    // Taylor's series on |r| <= ln(2)/2: the first term left out is below 1e-8.
    let pair = |b: f32, a: f32| Scalar::mul_add(b, r, a, fused);
    let r2 = r * r;
    let low = Scalar::mul_add(pair(1.0 / 6.0, 0.5), r2, pair(1.0, 1.0), fused);
    let high = Scalar::mul_add(pair(1.0 / 5040.0, 1.0 / 720.0), r2, pair(1.0 / 120.0, 1.0 / 24.0), fused);
    let p = Scalar::mul_add(high, r2 * r2, low, fused);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    p * power
}
