// What all kernels share: the type of activations, and the way a block covers a matrix.
//
// Activations are `Element`s, f32 or bf16 by how this is compiled; parameters and their gradients are floats, and so is
// all arithmetic. A block has 32 threads along x, for neighbouring channels, and `ROWS` along y.
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

const unsigned LANES = 32;
const unsigned ROWS = 8;

// The row of the matrix that this thread works on, in a grid that covers all rows once.
__device__ inline unsigned own_row() { return blockIdx.x * ROWS + threadIdx.y; }
