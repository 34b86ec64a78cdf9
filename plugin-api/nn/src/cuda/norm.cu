// Layer normalisation of x (rows, channels): a warp for every row.
#include "sums.cuh"

__device__ inline float sum_of_warp(float own) {
    for (int distance = 16; distance > 0; distance /= 2) own += __shfl_xor_sync(0xffffffffu, own, distance);
    return own;
}

struct Moments {
    float mean, scale;
};

// Mean and reciprocal deviation of a row, in every thread of its warp.
__device__ inline Moments moments_of(const Element *row, unsigned channels, float eps) {
    float sum = 0, squares = 0;
    for (unsigned c = threadIdx.x; c < channels; c += LANES) sum += value(row[c]);
    float mean = sum_of_warp(sum) / channels;
    for (unsigned c = threadIdx.x; c < channels; c += LANES) {
        float distance = value(row[c]) - mean;
        squares += distance * distance;
    }
    return {mean, 1.0f / sqrtf(sum_of_warp(squares) / channels + eps)};
}

extern "C" __global__ void layer_norm_forward(const Element *x, const float *weight, const float *bias, Element *y,
                                              unsigned rows, unsigned channels, float eps) {
    unsigned row = own_row();
    if (row >= rows) return;
    x += (size_t)row * channels;
    y += (size_t)row * channels;
    Moments m = moments_of(x, channels, eps);
    for (unsigned c = threadIdx.x; c < channels; c += LANES)
        y[c] = element((value(x[c]) - m.mean) * m.scale * weight[c] + bias[c]);
}

extern "C" __global__ void layer_norm_backward(const Element *x, const float *weight, const Element *dy, Element *dx,
                                               unsigned rows, unsigned channels, float eps) {
    unsigned row = own_row();
    if (row >= rows) return;
    x += (size_t)row * channels;
    dy += (size_t)row * channels;
    dx += (size_t)row * channels;
    Moments m = moments_of(x, channels, eps);
    float along_shift = 0, along_x = 0;
    for (unsigned c = threadIdx.x; c < channels; c += LANES) {
        float along = value(dy[c]) * weight[c];
        along_shift += along;
        along_x += along * (value(x[c]) - m.mean) * m.scale;
    }
    along_shift = sum_of_warp(along_shift) / channels;
    along_x = sum_of_warp(along_x) / channels;
    for (unsigned c = threadIdx.x; c < channels; c += LANES) {
        float normal = (value(x[c]) - m.mean) * m.scale;
        dx[c] = element(m.scale * (value(dy[c]) * weight[c] - along_shift - normal * along_x));
    }
}

// moments (rows, 2): mean and reciprocal deviation.
extern "C" __global__ void layer_norm_moments(const Element *x, float *moments, unsigned rows, unsigned channels,
                                              float eps) {
    unsigned row = own_row();
    if (row >= rows) return;
    Moments m = moments_of(x + (size_t)row * channels, channels, eps);
    if (threadIdx.x == 0) {
        moments[2 * (size_t)row] = m.mean;
        moments[2 * (size_t)row + 1] = m.scale;
    }
}

// partials (chunks, 2, channels): gradients of weight and bias, summed over each chunk of rows.
extern "C" __global__ void layer_norm_partials(const Element *x, const Element *dy, const float *moments,
                                               float *partials, unsigned rows, unsigned channels,
                                               unsigned rows_per_chunk) {
    unsigned c = blockIdx.x * LANES + threadIdx.x;
    Chunk chunk = own_chunk(rows, rows_per_chunk);
    float along_weight = 0, along_bias = 0;
    if (c < channels)
        for (unsigned row = chunk.begin + threadIdx.y; row < chunk.end; row += ROWS) {
            size_t i = (size_t)row * channels + c;
            float gradient = value(dy[i]);
            along_weight += gradient * (value(x[i]) - moments[2 * (size_t)row]) * moments[2 * (size_t)row + 1];
            along_bias += gradient;
        }
    store_sums_of_columns(partials, channels, along_weight, along_bias);
}
