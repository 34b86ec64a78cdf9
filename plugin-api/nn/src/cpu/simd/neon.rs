//! NEON.

use std::arch::aarch64::*;

use super::register::register;

#[rustfmt::skip]
    register!(F32x4, float32x4_t, 4, 32, vaddvq_f32, "neon",
        vdupq_n_f32, vld1q_f32, vst1q_f32, vaddq_f32, vsubq_f32, vmulq_f32, multiply_add);

#[target_feature(enable = "neon")]
fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
    vfmaq_f32(c, a, b)
}
