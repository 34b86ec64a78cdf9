// One AdamW step of a parameter of `count` elements with moments (2, count): the mean of its gradients, then of their
// squares.
#include "element.cuh"

extern "C" __global__ void adamw(float *parameter, float *moments, const float *gradient, unsigned count, float mean_rate,
                                 float keep, float square_rate, float shrink, float rate, float root_bias, float eps) {
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i >= count) return;
    float *squares = moments + count;
    float g = gradient[i], mean = moments[i], square = squares[i];
    mean += mean_rate * (g - mean);
    square = keep * square + square_rate * g * g;
    moments[i] = mean;
    squares[i] = square;
    parameter[i] = shrink * parameter[i] - rate * mean / (sqrtf(square) / root_bias + eps);
}
