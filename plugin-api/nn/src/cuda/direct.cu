// Dense convolution of x (B, T, H, W, I) with a kernel of one frame, stride 1 and few input channels, to outputs
// (B, T, H', W', O), 16 of them at a time: without a matrix of patches, which would be many times as large as the field.
//
// A tile of the field lies in shared memory. Its positions are an odd number of floats apart, which keeps the threads of a
// warp, for neighbouring positions, apart in the banks.
#include "sums.cuh"

struct DirectField {
    unsigned frames, height, width, channels, outputs[2], kernel[2], padding[2], filters; // frames of all samples
};

const int FILTERS = 16; // of a block

__device__ inline unsigned pitch_of(const DirectField &field) { return field.channels | 1; }

// Which tile of outputs a number stands for.
struct DirectTile {
    unsigned row, column, frame;
};
__device__ inline DirectTile direct_tile(unsigned number, const DirectField &field, unsigned height, unsigned width) {
    unsigned columns = (field.outputs[1] + width - 1) / width, rows = (field.outputs[0] + height - 1) / height;
    return {number / columns % rows * height, number % columns * width, number / columns / rows};
}

// Stages what a tile of height x width outputs reads.
__device__ inline void stage_tile(float *tile, const Element *x, const DirectField &field, const DirectTile &at, unsigned height,
                                  unsigned width, unsigned threads) {
    unsigned rows = height + field.kernel[0] - 1, length = (width + field.kernel[1] - 1) * field.channels;
    unsigned pitch = pitch_of(field), columns = width + field.kernel[1] - 1;
    int first = ((int)at.column - (int)field.padding[1]) * (int)field.channels, end = field.width * field.channels;
    for (unsigned row = threadIdx.y; row < rows; row += threads / LANES) {
        int h = at.row + row - field.padding[0];
        bool inside = h >= 0 && h < (int)field.height;
        const Element *from = x + ((ptrdiff_t)at.frame * field.height + h) * end + first;
        for (unsigned i = threadIdx.x; i < length; i += LANES) {
            unsigned to = pitch == field.channels ? i : i + i / field.channels;
            tile[row * columns * pitch + to] = inside && first + (int)i >= 0 && first + (int)i < end ? value(from[i]) : 0;
        }
    }
}

// A grid (tiles, filters / 16) of blocks (32, 8); each thread computes two positions, 8 rows apart. Shared memory: the
// tile, and of the weights (taps, 16).
const int DIRECT_HEIGHT = 16, DIRECT_WIDTH = 32;
extern "C" __global__ void __launch_bounds__(256, 2)
    direct_forward(const Element *x, const float *matrix, const float *bias, Element *y, DirectField field) {
    unsigned pitch = pitch_of(field), columns = DIRECT_WIDTH + field.kernel[1] - 1;
    unsigned taps = field.kernel[0] * field.kernel[1] * field.channels, group = blockIdx.y * FILTERS;
    float *weights = (float *)shared_memory, *tile = weights + taps * FILTERS;
    DirectTile at = direct_tile(blockIdx.x, field, DIRECT_HEIGHT, DIRECT_WIDTH);
    for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < taps * FILTERS; i += ROWS * LANES)
        weights[i] = matrix[i / FILTERS * field.filters + group + i % FILTERS];
    stage_tile(tile, x, field, at, DIRECT_HEIGHT, DIRECT_WIDTH, ROWS * LANES);
    __syncthreads();
    float sums[2][FILTERS];
#pragma unroll
    for (int o = 0; o < FILTERS; o++) sums[0][o] = sums[1][o] = bias[group + o];
    const float *weight = weights;
    for (unsigned dh = 0; dh < field.kernel[0]; dh++)
        for (unsigned dw = 0; dw < field.kernel[1]; dw++) {
            const float *from = tile + ((threadIdx.y + dh) * columns + threadIdx.x + dw) * pitch;
            const float *below = from + ROWS * columns * pitch;
#pragma unroll 2
            for (unsigned i = 0; i < field.channels; i++) {
                float own[FILTERS], upper = from[i], lower = below[i];
                get<FILTERS>(weight, own);
                weight += FILTERS;
#pragma unroll
                for (int o = 0; o < FILTERS; o++) {
                    sums[0][o] += upper * own[o];
                    sums[1][o] += lower * own[o];
                }
            }
        }
#pragma unroll
    for (int half = 0; half < 2; half++) {
        unsigned h = at.row + threadIdx.y + half * ROWS, w = at.column + threadIdx.x;
        if (h >= field.outputs[0] || w >= field.outputs[1]) continue;
        size_t position = ((size_t)at.frame * field.outputs[0] + h) * field.outputs[1] + w;
        store<FILTERS>(sums[half], y + position * field.filters + group);
    }
}

// partials (chunks, taps + 1, filters): the gradients of the matrix and, behind it, of the bias, summed over each chunk of
// tiles. A grid (filters / 16, chunks) of blocks (32, n), of which each thread takes two taps. Shared memory: a tile of the
// gradient (256, 16), and one of the field.
const int DIRECT_SIDE = 16;
extern "C" __global__ void __launch_bounds__(256, 2)
    direct_partials(const Element *x, const Element *dy, float *partials, DirectField field, unsigned tiles,
                    unsigned tiles_per_chunk, unsigned threads) {
    unsigned pitch = pitch_of(field), columns = DIRECT_SIDE + field.kernel[1] - 1;
    unsigned taps = field.kernel[0] * field.kernel[1] * field.channels, group = blockIdx.x * FILTERS;
    unsigned thread = threadIdx.y * LANES + threadIdx.x;
    float *gradient = (float *)shared_memory, *tile = gradient + DIRECT_SIDE * DIRECT_SIDE * FILTERS;
    unsigned from[2];
    for (int half = 0; half < 2; half++) {
        unsigned tap = thread + half * threads, at = tap / field.channels;
        if (tap >= taps) at = 0;
        from[half] = (at / field.kernel[1] * columns + at % field.kernel[1]) * pitch + tap % field.channels;
    }
    bool of_bias[2] = {thread == taps, thread + threads == taps};
    float sums[2][FILTERS] = {};
    Chunk chunk = own_chunk(tiles, tiles_per_chunk);
    for (unsigned number = chunk.begin; number < chunk.end; number++) {
        DirectTile at = direct_tile(number, field, DIRECT_SIDE, DIRECT_SIDE);
        __syncthreads();
        stage_tile(tile, x, field, at, DIRECT_SIDE, DIRECT_SIDE, threads);
        for (unsigned i = thread; i < DIRECT_SIDE * DIRECT_SIDE * FILTERS; i += threads) {
            unsigned o = i % FILTERS, w = at.column + i / FILTERS % DIRECT_SIDE, h = at.row + i / FILTERS / DIRECT_SIDE;
            size_t position = ((size_t)at.frame * field.outputs[0] + h) * field.outputs[1] + w;
            bool inside = h < field.outputs[0] && w < field.outputs[1];
            gradient[i] = inside ? value(dy[position * field.filters + group + o]) : 0;
        }
        __syncthreads();
        for (unsigned h = 0; h < DIRECT_SIDE; h++)
#pragma unroll 4
            for (unsigned w = 0; w < DIRECT_SIDE; w++) {
                unsigned place = (h * columns + w) * pitch;
                float own[FILTERS];
                float first = of_bias[0] ? 1 : tile[from[0] + place], second = of_bias[1] ? 1 : tile[from[1] + place];
                get<FILTERS>(gradient + (h * DIRECT_SIDE + w) * FILTERS, own);
#pragma unroll
                for (int o = 0; o < FILTERS; o++) {
                    sums[0][o] += first * own[o];
                    sums[1][o] += second * own[o];
                }
            }
    }
    partials += (size_t)blockIdx.y * (taps + 1) * field.filters + group;
#pragma unroll
    for (int half = 0; half < 2; half++)
        if (thread + half * threads <= taps) put<FILTERS>(sums[half], partials + (size_t)(thread + half * threads) * field.filters);
}
