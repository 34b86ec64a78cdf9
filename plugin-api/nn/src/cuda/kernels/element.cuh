// Shared by all kernels: the type of activations, and the mapping of blocks to the rows of a matrix.
//
// Activations are `Element`s: f32, or bf16 if BF16 is defined. Parameters, their gradients and all arithmetic are f32.
// A block has 32 threads along x, for neighbouring channels, and `ROWS` along y.
#pragma once
#include <cuda_bf16.h>

#ifdef BF16
typedef __nv_bfloat16 Element;
__device__ inline float value(Element x) { return __bfloat162float(x); }
__device__ inline Element element(float x) { return __float2bfloat16(x); }
#else
typedef float Element;
__device__ inline float value(Element x) { return x; }
__device__ inline Element element(float x) { return x; }
#endif

// Dynamic shared memory; the launch gives its size.
#ifdef __CUDACC__
extern __shared__ float4 shared_memory[];
#else
extern float4 shared_memory[];
#endif

const unsigned LANES = 32;
const unsigned ROWS = 8;

// The row of the matrix that belongs to this thread, in a grid that covers every row once.
__device__ inline unsigned own_row() { return blockIdx.x * ROWS + threadIdx.y; }

// Vector loads and stores of N neighbouring floats, N a power of two, between registers and shared memory. The address
// is a multiple of N floats, or of 16 bytes.
template <int N> struct alignas(4 * (N < 4 ? N : 4)) Floats {
    float at[N < 4 ? N : 4];
};
template <int N> __device__ inline void put(const float *from, float *to) {
    const int EACH = N < 4 ? N : 4;
#pragma unroll
    for (int i = 0; i < N; i += EACH) {
        Floats<N> some;
#pragma unroll
        for (int k = 0; k < EACH; k++) some.at[k] = from[i + k];
        *(Floats<N> *)(to + i) = some;
    }
}
template <int N> __device__ inline void get(const float *from, float *to) {
    const int EACH = N < 4 ? N : 4;
#pragma unroll
    for (int i = 0; i < N; i += EACH) {
        Floats<N> some = *(const Floats<N> *)(from + i);
#pragma unroll
        for (int k = 0; k < EACH; k++) to[i + k] = some.at[k];
    }
}

// Vector loads and stores of N neighbouring activations, in words of at most 16 bytes; the address is a multiple of the
// word.
template <int N> struct Elements {
    static const int EACH = N < 16 / (int)sizeof(Element) ? N : 16 / (int)sizeof(Element);
    struct alignas(EACH * sizeof(Element)) Word {
        Element at[EACH];
    };
};
template <int N> __device__ inline void load(const Element *from, float *to) {
    typedef Elements<N> All;
#pragma unroll
    for (int i = 0; i < N; i += All::EACH) {
        typename All::Word some = *(const typename All::Word *)(from + i);
#pragma unroll
        for (int k = 0; k < All::EACH; k++) to[i + k] = value(some.at[k]);
    }
}
template <int N> __device__ inline void store(const float *from, Element *to) {
    typedef Elements<N> All;
#pragma unroll
    for (int i = 0; i < N; i += All::EACH) {
        typename All::Word some;
#pragma unroll
        for (int k = 0; k < All::EACH; k++) some.at[k] = element(from[i + k]);
        *(typename All::Word *)(to + i) = some;
    }
}

// A barrier for one warp, or for the whole block.
template <int WARPS> __device__ inline void meet() {
    if (WARPS == 1)
        __syncwarp();
    else
        __syncthreads();
}
