// Depthwise convolution of x (B, T, H, W, C), stride 1, zero padding that keeps the size.
//
// Kernels of 7 in height and width work in tiles of 8 x 8 outputs of 32 channels: a tile's frame lies in shared memory
// with its margin, and a thread slides the kernel along one row of it, with sums and row in registers. All other sizes
// take one output at a time.
#include "sums.cuh"

struct Field {
    unsigned frames, height, width, channels;
};

const int TILE = 8;
const int SIDE = 7;
const int EXTENT = TILE + SIDE - 1;

// weights (taps + 1, C) from weight (C, taps) and bias (C): taps beside each other for all channels, the bias last. For
// the gradient of the input, the taps in reverse and no bias.
extern "C" __global__ void depthwise_weights(const float *weight, const float *bias, float *weights, unsigned taps,
                                             unsigned channels, unsigned reverse) {
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i >= (taps + 1) * channels) return;
    unsigned tap = i / channels, c = i % channels;
    if (tap == taps)
        weights[i] = reverse ? 0 : bias[c];
    else
        weights[i] = weight[c * taps + (reverse ? taps - 1 - tap : tap)];
}

// Which tile a number stands for.
struct Tile {
    unsigned column, row, frame, sample;
};
__device__ inline Tile tile_of(unsigned number, const Field &field, unsigned frames) {
    unsigned columns = (field.width + TILE - 1) / TILE, rows = (field.height + TILE - 1) / TILE;
    unsigned steps = (field.frames + frames - 1) / frames;
    Tile tile;
    tile.column = number % columns * TILE;
    tile.row = number / columns % rows * TILE;
    tile.frame = number / columns / rows % steps * frames;
    tile.sample = number / columns / rows / steps;
    return tile;
}

// An element of channel `c`, zero outside the field. The frame must be inside.
__device__ inline float value_at(const Element *x, const Field &field, unsigned sample, unsigned t, unsigned h,
                                        unsigned w, unsigned c) {
    if (h >= field.height || w >= field.width || c >= field.channels) return 0;
    size_t position = (((size_t)sample * field.frames + t) * field.height + h) * field.width + w;
    return value(x[position * field.channels + c]);
}

// A grid (tiles, channels / 32) of blocks (32, 8): the thread's y is its row in the tile.
template <int DEPTH, int FRAMES>
__device__ inline void depthwise_tiled(const Element *x, const float *weights, Element *y, Field field) {
    __shared__ float plane[EXTENT][EXTENT][LANES];
    unsigned lane = threadIdx.x, c = blockIdx.y * LANES + lane;
    Tile tile = tile_of(blockIdx.x, field, FRAMES);
    // Lanes beyond the last channel work on its neighbour's weights, and store nothing.
    weights += c < field.channels ? c : field.channels - 1;
    float sums[FRAMES][TILE];
    float bias = weights[DEPTH * SIDE * SIDE * field.channels];
#pragma unroll
    for (int f = 0; f < FRAMES; f++)
#pragma unroll
        for (int w = 0; w < TILE; w++) sums[f][w] = bias;
    for (int step = 0; step < FRAMES + DEPTH - 1; step++) {
        unsigned t = tile.frame + step - DEPTH / 2;
        if (t >= field.frames) continue;
        __syncthreads();
        for (int i = threadIdx.y; i < EXTENT * EXTENT; i += TILE) {
            unsigned h = tile.row + i / EXTENT - SIDE / 2, w = tile.column + i % EXTENT - SIDE / 2;
            plane[i / EXTENT][i % EXTENT][lane] = value_at(x, field, tile.sample, t, h, w, c);
        }
        __syncthreads();
        for (int dh = 0; dh < SIDE; dh++) {
            float row[EXTENT];
#pragma unroll
            for (int i = 0; i < EXTENT; i++) row[i] = plane[threadIdx.y + dh][i][lane];
#pragma unroll
            for (int f = 0; f < FRAMES; f++) {
                int dt = step - f;
                if (dt < 0 || dt >= DEPTH) continue;
                const float *taps = weights + (size_t)(dt * SIDE + dh) * SIDE * field.channels;
#pragma unroll
                for (int dw = 0; dw < SIDE; dw++) {
                    float weight = taps[dw * field.channels];
#pragma unroll
                    for (int w = 0; w < TILE; w++) sums[f][w] += weight * row[w + dw];
                }
            }
        }
    }
    unsigned h = tile.row + threadIdx.y;
    if (h >= field.height || c >= field.channels) return;
#pragma unroll
    for (int f = 0; f < FRAMES; f++)
#pragma unroll
        for (int i = 0; i < TILE; i++) {
            unsigned t = tile.frame + f, w = tile.column + i;
            if (t >= field.frames || w >= field.width) continue;
            size_t position = (((size_t)tile.sample * field.frames + t) * field.height + h) * field.width + w;
            y[position * field.channels + c] = element(sums[f][i]);
        }
}

extern "C" __global__ void depthwise_7x7x7(const Element *x, const float *weights, Element *y, Field field) {
    depthwise_tiled<7, 4>(x, weights, y, field);
}

extern "C" __global__ void depthwise_7x7(const Element *x, const float *weights, Element *y, Field field) {
    depthwise_tiled<1, 1>(x, weights, y, field);
}

// Any odd kernel: a warp for every position.
extern "C" __global__ void depthwise_any(const Element *x, const float *weights, Element *y, Field field,
                                         unsigned depth, unsigned kernel_height, unsigned kernel_width,
                                         unsigned positions) {
    unsigned position = own_row();
    if (position >= positions) return;
    unsigned width = position % field.width, height = position / field.width % field.height;
    unsigned frame = position / field.width / field.height % field.frames;
    unsigned sample = position / field.width / field.height / field.frames;
    unsigned channels = field.channels;
    for (unsigned c = threadIdx.x; c < channels; c += LANES) {
        float sum = weights[depth * kernel_height * kernel_width * channels + c];
        for (unsigned dt = 0; dt < depth; dt++) {
            unsigned t = frame + dt - depth / 2;
            if (t >= field.frames) continue;
            for (unsigned dh = 0; dh < kernel_height; dh++)
                for (unsigned dw = 0; dw < kernel_width; dw++) {
                    unsigned h = height + dh - kernel_height / 2, w = width + dw - kernel_width / 2;
                    unsigned tap = (dt * kernel_height + dh) * kernel_width + dw;
                    sum += weights[tap * channels + c] * value_at(x, field, sample, t, h, w, c);
                }
        }
        y[(size_t)position * channels + c] = element(sum);
    }
}

// partials (chunks, taps, C): the weight's gradient, summed over each chunk of tiles. A grid (channels / 32, depth,
// chunks) of blocks (32, 7): the thread's y is the tap's height.
template <int DEPTH>
__device__ inline void depthwise_tiled_partials(const Element *x, const Element *dy, float *partials,
                                                       Field field, unsigned tiles, unsigned tiles_per_chunk) {
    __shared__ float plane[EXTENT][EXTENT][LANES], gradient[TILE][TILE][LANES];
    unsigned lane = threadIdx.x, c = blockIdx.x * LANES + lane;
    float sums[SIDE] = {};
    unsigned begin = blockIdx.z * tiles_per_chunk;
    for (unsigned number = begin; number < tiles && number < begin + tiles_per_chunk; number++) {
        Tile tile = tile_of(number, field, 1);
        unsigned t = tile.frame + blockIdx.y - DEPTH / 2;
        if (t >= field.frames) continue;
        __syncthreads();
        for (int i = threadIdx.y; i < EXTENT * EXTENT; i += SIDE) {
            unsigned h = tile.row + i / EXTENT - SIDE / 2, w = tile.column + i % EXTENT - SIDE / 2;
            plane[i / EXTENT][i % EXTENT][lane] = value_at(x, field, tile.sample, t, h, w, c);
        }
        for (int i = threadIdx.y; i < TILE * TILE; i += SIDE) {
            unsigned h = tile.row + i / TILE, w = tile.column + i % TILE;
            gradient[i / TILE][i % TILE][lane] = value_at(dy, field, tile.sample, tile.frame, h, w, c);
        }
        __syncthreads();
        for (int h = 0; h < TILE; h++) {
            float row[EXTENT];
#pragma unroll
            for (int i = 0; i < EXTENT; i++) row[i] = plane[h + threadIdx.y][i][lane];
#pragma unroll
            for (int w = 0; w < TILE; w++) {
                float along = gradient[h][w][lane];
#pragma unroll
                for (int dw = 0; dw < SIDE; dw++) sums[dw] += along * row[w + dw];
            }
        }
    }
    if (c >= field.channels) return;
    unsigned tap = (blockIdx.y * SIDE + threadIdx.y) * SIDE;
    partials += ((size_t)blockIdx.z * DEPTH * SIDE * SIDE + tap) * field.channels + c;
#pragma unroll
    for (int dw = 0; dw < SIDE; dw++) partials[(size_t)dw * field.channels] = sums[dw];
}

extern "C" __global__ void depthwise_7x7x7_partials(const Element *x, const Element *dy, float *partials, Field field,
                                                    unsigned tiles, unsigned tiles_per_chunk) {
    depthwise_tiled_partials<7>(x, dy, partials, field, tiles, tiles_per_chunk);
}

extern "C" __global__ void depthwise_7x7_partials(const Element *x, const Element *dy, float *partials, Field field,
                                                  unsigned tiles, unsigned tiles_per_chunk) {
    depthwise_tiled_partials<1>(x, dy, partials, field, tiles, tiles_per_chunk);
}

// The same for any odd kernel, over chunks of positions: a grid (channels / 32, chunks, taps).
extern "C" __global__ void depthwise_any_partials(const Element *x, const Element *dy, float *partials, Field field,
                                                  unsigned depth, unsigned kernel_height, unsigned kernel_width,
                                                  unsigned positions, unsigned positions_per_chunk) {
    unsigned c = blockIdx.x * LANES + threadIdx.x, tap = blockIdx.z;
    unsigned dw = tap % kernel_width, dh = tap / kernel_width % kernel_height, dt = tap / kernel_width / kernel_height;
    Chunk chunk = own_chunk(positions, positions_per_chunk);
    float sum = 0;
    for (unsigned position = chunk.begin + threadIdx.y; position < chunk.end; position += ROWS) {
        unsigned w = position % field.width, h = position / field.width % field.height;
        unsigned frame = position / field.width / field.height % field.frames;
        unsigned sample = position / field.width / field.height / field.frames;
        unsigned t = frame + dt - depth / 2;
        if (t >= field.frames) continue;
        sum += value_at(dy, field, sample, frame, h, w, c) *
               value_at(x, field, sample, t, h + dh - kernel_height / 2, w + dw - kernel_width / 2, c);
    }
    sum = sum_of_column(sum);
    unsigned taps = depth * kernel_height * kernel_width;
    if (threadIdx.y == 0 && c < field.channels)
        partials[((size_t)blockIdx.y * taps + tap) * field.channels + c] = sum;
}
