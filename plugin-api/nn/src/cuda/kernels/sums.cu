// Sums over the rows of a matrix.
#include "sums.cuh"

// partials (chunks, channels): the sums over each chunk of the rows of x (rows, channels).
extern "C" __global__ void column_partials(const Element *x, float *partials, unsigned rows, unsigned channels,
                                           unsigned rows_per_chunk) {
    unsigned c = blockIdx.x * LANES + threadIdx.x;
    Chunk chunk = own_chunk(rows, rows_per_chunk);
    float sum = 0;
    if (c < channels)
        for (unsigned row = chunk.begin + threadIdx.y; row < chunk.end; row += ROWS)
            sum += value(x[(size_t)row * channels + c]);
    sum = sum_of_column(sum);
    if (threadIdx.y == 0 && c < channels) partials[(size_t)blockIdx.y * channels + c] = sum;
}

// The sum of element `i` over the chunks `begin..end` of partials (chunks, stride), in order.
__device__ inline float sum_of_chunks(const float *partials, unsigned begin, unsigned end, unsigned stride, unsigned i) {
    float sum = 0;
#pragma unroll 8
    for (unsigned chunk = begin; chunk < end; chunk++) sum += partials[(size_t)chunk * stride + i];
    return sum;
}

// sums (groups, stride): the sums over groups of `each` chunks of partials (chunks, stride). A grid (stride / 256,
// groups).
extern "C" __global__ void add_groups(const float *partials, float *sums, unsigned chunks, unsigned stride, unsigned each) {
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i >= stride) return;
    Chunk group = own_chunk(chunks, each);
    sums[(size_t)blockIdx.y * stride + i] = sum_of_chunks(partials, group.begin, group.end, stride, i);
}

// sums (columns, rows): the sum over all chunks of partials (chunks, stride); each chunk begins with a matrix (rows,
// columns), which is transposed on the way.
extern "C" __global__ void add_partials(const float *partials, float *sums, unsigned chunks, unsigned stride,
                                        unsigned rows, unsigned columns) {
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i >= rows * columns) return;
    sums[i % columns * rows + i / columns] = sum_of_chunks(partials, 0, chunks, stride, i);
}
