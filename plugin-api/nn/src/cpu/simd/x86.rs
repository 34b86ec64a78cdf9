//! AVX-512 and AVX2.

use std::arch::x86_64::*;

use super::register::register;

#[rustfmt::skip]
    register!(F32x16, __m512, 16, 32, _mm512_reduce_add_ps, "avx512f,avx2,fma",
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_fmadd_ps);
#[rustfmt::skip]
    register!(F32x8, __m256, 8, 16, sum_ps, "avx2,fma",
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_fmadd_ps);

#[target_feature(enable = "avx2")]
fn sum_ps(register: __m256) -> f32 {
    let half = _mm_add_ps(_mm256_castps256_ps128(register), _mm256_extractf128_ps::<1>(register));
    let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
    _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)))
}
