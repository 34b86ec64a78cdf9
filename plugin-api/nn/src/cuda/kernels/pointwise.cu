// Element-wise operations on x (rows, channels): GELU, bias, and the end of a residual block.
#include "gelu.cuh"

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

// y = x + z + bias
extern "C" __global__ void shifted_sum_forward(const Element *x, const Element *z, const float *bias, Element *y,
                                               unsigned rows, unsigned channels) {
    FOR_EACH(y[i] = element(value(x[i]) + value(z[i]) + bias[c]))
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
