// AdamW on one parameter of `count` elements, whose moments are (2, count): mean, then mean of squares.
#include "element.cuh"

extern "C" __global__ void adamw_moments(float *moments, const float *gradient, unsigned count, float mean_rate,
                                         float keep, float square_rate) {
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i >= count) return;
    float *square = moments + count;
    float g = gradient[i];
    moments[i] += mean_rate * (g - moments[i]);
    square[i] = keep * square[i] + square_rate * g * g;
}

extern "C" __global__ void adamw_parameter(float *parameter, const float *moments, unsigned count, float shrink,
                                           float rate, float root_bias, float eps) {
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i >= count) return;
    const float *square = moments + count;
    parameter[i] = shrink * parameter[i] - rate * moments[i] / (sqrtf(square[i]) / root_bias + eps);
}
