// Instance normalisation of maps x (maps, N, C): each channel over the N positions of its map. One block per 32
// channels of a map, in a grid (channels / 32, maps) of blocks (32, 8).
//
// If `centred`, (x - mean) / sqrt(biased variance + eps); otherwise x / (unbiased standard deviation + eps), where the
// standard deviation counts as at least LEAST_VARIATION of the mean, as on the CPU.
#include "sums.cuh"

#define LEAST_VARIATION 0x1p-20f

// The moments of one channel of a map: the output is (x - centre) * scale, and d scale / dx = slope * (x - mean).
struct MapMoments {
    float centre, mean, scale, slope;
};

// All threads of the block must call this. `x` points to this thread's channel in the first row of the map.
__device__ inline MapMoments map_moments(const Element *x, unsigned positions, unsigned channels, bool inside,
                                         unsigned centred, float eps) {
    float sum = 0, square = 0;
    if (inside)
        for (unsigned i = threadIdx.y; i < positions; i += ROWS) sum += value(x[(size_t)i * channels]);
    float mean = sum_of_column(sum) / positions;
    if (inside)
        for (unsigned i = threadIdx.y; i < positions; i += ROWS) {
            float distance = value(x[(size_t)i * channels]) - mean;
            square += distance * distance;
        }
    square = sum_of_column(square);
    if (centred) {
        float scale = 1.0f / sqrtf(square / positions + eps);
        return {mean, mean, scale, -scale * scale * scale / positions};
    }
    float degrees = positions - 1.0f, deviation = sqrtf(square / degrees), least = LEAST_VARIATION * fabsf(mean);
    float scale = 1.0f / (fmaxf(deviation, least) + eps);
    // At a constant channel the standard deviation has no derivative; 0 stands for it.
    return {0, mean, scale, deviation > least ? -scale * scale / (degrees * deviation) : 0};
}

// `bias` may be null.
extern "C" __global__ void instance_norm_forward(const Element *x, const float *weight, const float *bias, Element *y,
                                                 unsigned positions, unsigned channels, unsigned centred, float eps) {
    unsigned c = blockIdx.x * LANES + threadIdx.x;
    size_t first = (size_t)blockIdx.y * positions * channels + c;
    bool inside = c < channels;
    MapMoments m = map_moments(x + first, positions, channels, inside, centred, eps);
    if (!inside) return;
    float scale = m.scale * weight[c], shift = bias ? bias[c] : 0;
    for (unsigned i = threadIdx.y; i < positions; i += ROWS) {
        size_t at = first + (size_t)i * channels;
        y[at] = element((value(x[at]) - m.centre) * scale + shift);
    }
}

// dx, and partials (maps, 2, C): the contribution of each map to the gradients of weight and bias.
extern "C" __global__ void instance_norm_backward(const Element *x, const float *weight, const Element *dy, Element *dx,
                                                  float *partials, unsigned positions, unsigned channels,
                                                  unsigned centred, float eps) {
    unsigned c = blockIdx.x * LANES + threadIdx.x;
    size_t first = (size_t)blockIdx.y * positions * channels + c;
    bool inside = c < channels;
    MapMoments m = map_moments(x + first, positions, channels, inside, centred, eps);
    float along_x = 0, along_one = 0;
    if (inside)
        for (unsigned i = threadIdx.y; i < positions; i += ROWS) {
            size_t at = first + (size_t)i * channels;
            along_x += value(dy[at]) * (value(x[at]) - m.centre);
            along_one += value(dy[at]);
        }
    along_x = sum_of_column(along_x);
    along_one = sum_of_column(along_one);
    if (!inside) return;
    float direct = m.scale * weight[c], slope = m.slope * weight[c] * along_x;
    float shift = centred ? -direct * along_one / positions : 0;
    for (unsigned i = threadIdx.y; i < positions; i += ROWS) {
        size_t at = first + (size_t)i * channels;
        dx[at] = element(value(dy[at]) * direct + (value(x[at]) - m.mean) * slope + shift);
    }
    if (threadIdx.y == 0) {
        float *own = partials + (size_t)blockIdx.y * 2 * channels;
        own[c] = along_x * m.scale;
        own[channels + c] = along_one;
    }
}
