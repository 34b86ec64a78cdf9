// The Gaussian error linear unit with erf, by formula 7.1.26 of Abramowitz and Stegun (absolute error at most 1.5e-7).
#pragma once
#include "element.cuh"

struct Gelu {
    float value, slope;
};

__device__ inline Gelu gelu_with_slope(float x) {
    float t = __fdividef(1.0f, 1.0f + 0.3275911f * 0.70710678f * fabsf(x));
    float density = __expf(-0.5f * x * x);
    float series = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    float above = 0.5f * series * density; // the tail of the normal distribution beyond |x|
    float below = x < 0 ? above : 1.0f - above;
    return {x * below, below + 0.39894228f * x * density};
}

__device__ inline float gelu(float x) { return gelu_with_slope(x).value; }
