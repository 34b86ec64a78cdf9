// Products of small matrices on tensor cores, one warp per product.
//
// A tile is 16 rows by 8 columns. Thread 4 g + t of the warp holds four elements of it: columns 2 t and 2 t + 1 of row
// g, then of row g + 8, which is the layout of a result. The left factor of the next product has the same layout: the
// inner dimension is summed in the order 0, 2, 4, 6, 1, 3, 5, 7. The right factor, 8 x 8, matches it: thread 4 g + t
// holds rows 2 t and 2 t + 1 of its column g.
#pragma once
#include "element.cuh"

// d += a b. The caller has rounded a and b to 10 bits of mantissa.
#ifdef __CUDACC__
__device__ inline void multiply_rounded(float d[4], const float a[4], const float b[2]) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[3])),
          "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}
#else
void multiply_rounded(float d[4], const float a[4], const float b[2]);
#endif

// x truncated to 10 bits of mantissa.
__device__ inline float upper_bits(float x) { return __uint_as_float(__float_as_uint(x) & 0xffffe000u); }
// x rounded to 10 bits of mantissa.
__device__ inline float rounded(float x) { return __uint_as_float((__float_as_uint(x) + 0x1000u) & 0xffffe000u); }

// d += a b. If EXACT, with about f32 precision: each factor is split into two tf32 values, and the product of the two
// lower parts is dropped. Otherwise the factors are rounded to 10 bits of mantissa.
template <bool EXACT> __device__ inline void multiply(float d[4], const float a[4], const float b[2]) {
    float upper_a[4], upper_b[2];
#pragma unroll
    for (int i = 0; i < 4; i++) upper_a[i] = EXACT ? upper_bits(a[i]) : rounded(a[i]);
#pragma unroll
    for (int i = 0; i < 2; i++) upper_b[i] = EXACT ? upper_bits(b[i]) : rounded(b[i]);
    if (EXACT) {
        float lower_a[4], lower_b[2];
#pragma unroll
        for (int i = 0; i < 4; i++) lower_a[i] = a[i] - upper_a[i];
#pragma unroll
        for (int i = 0; i < 2; i++) lower_b[i] = b[i] - upper_b[i];
        multiply_rounded(d, lower_a, upper_b);
        multiply_rounded(d, upper_a, lower_b);
    }
    multiply_rounded(d, upper_a, upper_b);
}
