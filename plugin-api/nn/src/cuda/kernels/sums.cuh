// Sums over the rows of a matrix, in two stages and always in the same order: each block sums a chunk of rows, then one
// thread per column sums the chunks.
#pragma once
#include "element.cuh"

// The rows of this block's chunk, in a grid (channels / 32, chunks).
struct Chunk {
    unsigned begin, end;
};
__device__ inline Chunk own_chunk(unsigned rows, unsigned rows_per_chunk) {
    unsigned begin = blockIdx.y * rows_per_chunk;
    unsigned left = rows - begin;
    return {begin, begin + (left < rows_per_chunk ? left : rows_per_chunk)};
}

// The sum over the threads of a warp.
__device__ inline float sum_of_warp(float own) {
    for (int distance = 16; distance > 0; distance /= 2) own += __shfl_xor_sync(0xffffffffu, own, distance);
    return own;
}

// The sum over the threads of a column; all threads of the block must call this.
__device__ inline float sum_of_column(float own) {
    __shared__ float all[ROWS][LANES];
    __syncthreads();
    all[threadIdx.y][threadIdx.x] = own;
    __syncthreads();
    float sum = 0;
    for (unsigned i = 0; i < ROWS; i++) sum += all[i][threadIdx.x];
    return sum;
}

// Writes the sums of two quantities over a chunk to partials (chunks, 2, channels); all threads of the block must call
// this.
__device__ inline void store_sums_of_columns(float *partials, unsigned channels, float first, float second) {
    unsigned c = blockIdx.x * LANES + threadIdx.x;
    first = sum_of_column(first);
    second = sum_of_column(second);
    if (threadIdx.y == 0 && c < channels) {
        float *own = partials + (size_t)blockIdx.y * 2 * channels;
        own[c] = first;
        own[channels + c] = second;
    }
}
