// Replaces CUDA's header of this name, so that a C++ compiler accepts the sources of the kernels: it defines the
// keywords and functions of CUDA C++, for threads that are fibers taking turns.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __shared__ static // one block runs at a time
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
};
extern dim3 blockIdx, threadIdx;

struct alignas(16) float4 {
    float x, y, z, w;
};

void __syncthreads();
void __syncwarp();
float __shfl_xor_sync(unsigned mask, float value, int lanes);

inline uint32_t __float_as_uint(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline float __uint_as_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float x) { return expf(x); }

struct __nv_bfloat16 {
    uint16_t bits;
};
inline float __bfloat162float(__nv_bfloat16 x) {
    uint32_t bits = (uint32_t)x.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
inline __nv_bfloat16 __float2bfloat16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return {0x7fff};
    return {(uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)}; // round to nearest, ties to even
}
