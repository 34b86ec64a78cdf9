// The sum of squared differences, and its gradient.
#include "sums.cuh"

// partials (chunks): the sum of (a - b)^2 over each chunk of the `count` elements. A grid (1, chunks) of blocks (32,
// 8).
extern "C" __global__ void squared_error_partials(const Element *a, const Element *b, float *partials, unsigned count,
                                                  unsigned elements_per_chunk) {
    Chunk chunk = own_chunk(count, elements_per_chunk);
    float sum = 0;
    for (unsigned i = chunk.begin + threadIdx.y * LANES + threadIdx.x; i < chunk.end; i += ROWS * LANES) {
        float difference = value(a[i]) - value(b[i]);
        sum += difference * difference;
    }
    sum = sum_of_column(sum_of_warp(sum));
    if (threadIdx.y == 0 && threadIdx.x == 0) partials[blockIdx.y] = sum;
}

// The gradient of a, from the gradient of the sum, which is a scalar.
extern "C" __global__ void squared_error_backward(const Element *a, const Element *b, const float *dsum, Element *da,
                                                  unsigned count) {
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i < count) da[i] = element(2 * *dsum * (value(a[i]) - value(b[i])));
}
