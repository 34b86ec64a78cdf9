// Layer normalisation of x (rows, channels), one warp per row.
#include "sums.cuh"

struct Moments {
    float mean, scale;
};

// Mean and reciprocal standard deviation of a row, in every thread of its warp.
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

// moments (rows, 2): mean and reciprocal standard deviation.
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

// Rows of 4, 8, 16, ... or 128 channels fit into the registers of a warp: each lane holds 4 neighbouring channels, and
// a warp holds as many rows as fit.
const int PACK = 4;

struct Packed {
    unsigned lanes, lane, rows; // lanes per row; this thread's lane within its row; rows per warp
};
__device__ inline Packed packed(unsigned channels) {
    unsigned lanes = channels / PACK;
    return {lanes, threadIdx.x % lanes, LANES / lanes};
}

__device__ inline float sum_of_lanes(float own, unsigned lanes) {
    for (int distance = lanes / 2; distance > 0; distance /= 2) own += __shfl_xor_sync(0xffffffffu, own, distance);
    return own;
}

// Standardises this thread's part of a row: subtracts the mean and divides by the standard deviation, whose reciprocal
// it returns.
__device__ inline float standardise_packed(float own[PACK], unsigned lanes, unsigned channels, float eps) {
    float mean = sum_of_lanes(own[0] + own[1] + own[2] + own[3], lanes) / channels, square = 0;
#pragma unroll
    for (int i = 0; i < PACK; i++) {
        own[i] -= mean;
        square += own[i] * own[i];
    }
    float scale = 1.0f / sqrtf(sum_of_lanes(square, lanes) / channels + eps);
#pragma unroll
    for (int i = 0; i < PACK; i++) own[i] *= scale;
    return scale;
}

extern "C" __global__ void layer_norm_packed_forward(const Element *x, const float *weight, const float *bias, Element *y,
                                                     unsigned rows, unsigned channels, float eps) {
    Packed p = packed(channels);
    unsigned row = own_row() * p.rows + threadIdx.x / p.lanes, c = PACK * p.lane;
    size_t at = (size_t)(row < rows ? row : rows - 1) * channels + c;
    float own[PACK], w[PACK], b[PACK];
    load<PACK>(x + at, own);
    get<PACK>(weight + c, w);
    get<PACK>(bias + c, b);
    standardise_packed(own, p.lanes, channels, eps);
#pragma unroll
    for (int i = 0; i < PACK; i++) own[i] = own[i] * w[i] + b[i];
    if (row < rows) store<PACK>(own, y + at);
}

// dx, and partials (chunks, 2, channels): the gradients of weight and bias, summed over each chunk of rows. A grid (1,
// chunks).
extern "C" __global__ void layer_norm_packed_backward(const Element *x, const float *weight, const Element *dy, Element *dx,
                                                      float *partials, unsigned rows, unsigned channels,
                                                      unsigned rows_per_chunk, float eps) {
    alignas(16) __shared__ float all[ROWS][LANES][2 * PACK];
    Packed p = packed(channels);
    unsigned c = PACK * p.lane;
    Chunk chunk = own_chunk(rows, rows_per_chunk);
    float w[PACK], sums[2 * PACK] = {};
    get<PACK>(weight + c, w);
    for (unsigned first = chunk.begin; first < chunk.end; first += ROWS * p.rows) {
        unsigned row = first + threadIdx.y * p.rows + threadIdx.x / p.lanes;
        bool inside = row < chunk.end;
        size_t at = (size_t)(inside ? row : rows - 1) * channels + c;
        float normal[PACK], along[PACK], along_shift = 0, along_normal = 0;
        load<PACK>(x + at, normal);
        load<PACK>(dy + at, along);
        float scale = standardise_packed(normal, p.lanes, channels, eps);
#pragma unroll
        for (int i = 0; i < PACK; i++) {
            if (inside) {
                sums[i] += along[i] * normal[i];
                sums[PACK + i] += along[i];
            }
            along[i] *= w[i];
            along_shift += along[i];
            along_normal += along[i] * normal[i];
        }
        along_shift = sum_of_lanes(along_shift, p.lanes) / channels;
        along_normal = sum_of_lanes(along_normal, p.lanes) / channels;
#pragma unroll
        for (int i = 0; i < PACK; i++) along[i] = scale * (along[i] - along_shift - normal[i] * along_normal);
        if (inside) store<PACK>(along, dx + at);
    }
    put<2 * PACK>(sums, all[threadIdx.y][threadIdx.x]);
    __syncthreads();
    for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < 2 * channels; i += ROWS * LANES) {
        unsigned part = i / channels, column = i % channels;
        float sum = 0;
        for (unsigned warp = 0; warp < ROWS; warp++)
            for (unsigned lane = column / PACK; lane < LANES; lane += p.lanes)
                sum += all[warp][lane][part * PACK + column % PACK];
        partials[(size_t)blockIdx.y * 2 * channels + i] = sum;
    }
}
