// Element by element over x (rows, channels): GELU, bias, and the end of a residual block.
#include "gelu.cuh"
#include "sums.cuh"

// `BODY` for every element `i` of this thread's row, in channel `c`.
#define FOR_EACH(BODY)                                                                                                 \
    unsigned row = own_row();                                                                                          \
    if (row >= rows) return;                                                                                           \
    for (unsigned c = threadIdx.x; c < channels; c += LANES) {                                                         \
        size_t i = (size_t)row * channels + c;                                                                         \
        BODY;                                                                                                          \
    }

extern "C" __global__ void gelu_forward(const Element *x, Element *y, unsigned rows, unsigned channels) {
    FOR_EACH(y[i] = element(gelu(value(x[i]))))
}

extern "C" __global__ void gelu_backward(const Element *x, const Element *dy, Element *dx, unsigned rows,
                                         unsigned channels) {
    FOR_EACH(dx[i] = element(value(dy[i]) * gelu_with_slope(value(x[i])).slope))
}

extern "C" __global__ void bias_forward(const Element *x, const float *bias, Element *y, unsigned rows,
                                        unsigned channels) {
    FOR_EACH(y[i] = element(value(x[i]) + bias[c]))
}

// y = gelu(x + bias)
extern "C" __global__ void bias_gelu_forward(const Element *x, const float *bias, Element *y, unsigned rows,
                                             unsigned channels) {
    FOR_EACH(y[i] = element(gelu(value(x[i]) + bias[c])))
}

extern "C" __global__ void bias_gelu_backward(const Element *x, const float *bias, const Element *dy, Element *dx,
                                              unsigned rows, unsigned channels) {
    FOR_EACH(dx[i] = element(value(dy[i]) * gelu_with_slope(value(x[i]) + bias[c]).slope))
}

// y = x + gamma (z + bias); parameters are bias, then gamma.
extern "C" __global__ void residual_forward(const Element *x, const Element *z, const float *parameters, Element *y,
                                            unsigned rows, unsigned channels) {
    const float *bias = parameters, *gamma = parameters + channels;
    FOR_EACH(y[i] = element(value(x[i]) + gamma[c] * (value(z[i]) + bias[c])))
}

extern "C" __global__ void residual_backward(const Element *dy, const float *parameters, Element *dz, unsigned rows,
                                             unsigned channels) {
    const float *gamma = parameters + channels;
    FOR_EACH(dz[i] = element(gamma[c] * value(dy[i])))
}

// partials (chunks, 2, channels): gradients of bias and gamma, summed over each chunk of rows.
extern "C" __global__ void residual_partials(const Element *z, const float *parameters, const Element *dy,
                                             float *partials, unsigned rows, unsigned channels,
                                             unsigned rows_per_chunk) {
    unsigned c = blockIdx.x * LANES + threadIdx.x;
    Chunk chunk = own_chunk(rows, rows_per_chunk);
    float along_bias = 0, along_gamma = 0;
    if (c < channels) {
        float bias = parameters[c], gamma = parameters[channels + c];
        for (unsigned row = chunk.begin + threadIdx.y; row < chunk.end; row += ROWS) {
            size_t i = (size_t)row * channels + c;
            float gradient = value(dy[i]);
            along_bias += gamma * gradient;
            along_gamma += (value(z[i]) + bias) * gradient;
        }
    }
    store_sums_of_columns(partials, channels, along_bias, along_gamma);
}
