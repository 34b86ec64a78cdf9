// Dense convolution of x (B, T, H, W, I) with a kernel of one frame, stride 1 and few input channels, to (B, T, H', W',
// O), 16 output channels at a time. It needs no im2col matrix, which would be many times as large as the field.
//
// A tile of the field lies in shared memory. Its positions are an odd number of floats apart, so that the threads of a
// warp, which read neighbouring positions, hit different banks.
#include "copy.cuh"
#include "sums.cuh"

struct DirectField {
    unsigned frames, height, width, channels, outputs[2], kernel[2], padding[2], filters; // frames of all samples
};

const int FILTERS = 16; // of a block
// A block has 128 threads. Each multiplies several elements of x (at 8 positions, or of 6 taps) by 16 weights, or by 16
// elements of the gradient; all of them come from shared memory.
const int POSITIONS = 8, TAPS = 6;
const unsigned DIRECT_ROWS = 4, DIRECT_THREADS = DIRECT_ROWS * LANES;

__device__ inline unsigned pitch_of(const DirectField &field) { return field.channels | 1; }

// The tile of outputs with the index `number`.
struct DirectTile {
    unsigned row, column, frame;
};
__device__ inline DirectTile direct_tile(unsigned number, const DirectField &field, unsigned height, unsigned width) {
    unsigned columns = (field.outputs[1] + width - 1) / width, rows = (field.outputs[0] + height - 1) / height;
    return {number / columns % rows * height, number % columns * width, number / columns / rows};
}

// Starts to copy the inputs of a tile of height x width outputs, to rows that are `line` floats apart.
__device__ inline void begin_tile(float *tile, unsigned line, const Element *x, const DirectField &field, const DirectTile &at,
                                  unsigned height, unsigned width) {
    unsigned rows = height + field.kernel[0] - 1, length = (width + field.kernel[1] - 1) * field.channels;
    unsigned pitch = pitch_of(field);
    int first = ((int)at.column - (int)field.padding[1]) * (int)field.channels, end = field.width * field.channels;
    for (unsigned row = threadIdx.y; row < rows; row += DIRECT_ROWS) {
        int h = at.row + row - field.padding[0];
        bool inside = h >= 0 && h < (int)field.height;
        const Element *from = x + ((ptrdiff_t)at.frame * field.height + h) * end + first;
        float *own = tile + row * line;
#pragma unroll 4
        for (unsigned i = threadIdx.x; i < length; i += LANES)
            begin_float(own + (pitch == field.channels ? i : i + i / field.channels), from + i,
                        inside && first + (int)i >= 0 && first + (int)i < end);
    }
}

// A grid (tiles, filters / 16) of blocks (32, 4); each thread computes 8 positions, 4 rows apart. Shared memory: the
// weights (taps, 16), and the tile.
const int DIRECT_SIDE = 32;
extern "C" __global__ void __launch_bounds__(128, 3)
    direct_forward(const Element *x, const float *matrix, const float *bias, Element *y, DirectField field) {
    unsigned pitch = pitch_of(field), line = (DIRECT_SIDE + field.kernel[1] - 1) * pitch;
    unsigned taps = field.kernel[0] * field.kernel[1] * field.channels, group = blockIdx.y * FILTERS;
    float *weights = (float *)shared_memory, *tile = weights + taps * FILTERS;
    DirectTile at = direct_tile(blockIdx.x, field, DIRECT_SIDE, DIRECT_SIDE);
    begin_tile(tile, line, x, field, at, DIRECT_SIDE, DIRECT_SIDE);
    for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < taps * FILTERS; i += DIRECT_THREADS)
        weights[i] = matrix[i / FILTERS * field.filters + group + i % FILTERS];
    float sums[POSITIONS][FILTERS];
#pragma unroll
    for (int o = 0; o < FILTERS; o++) {
        float start = bias[group + o];
#pragma unroll
        for (int k = 0; k < POSITIONS; k++) sums[k][o] = start;
    }
    await_copies();
    __syncthreads();
    // Without gaps between positions, the taps of a row of the kernel are contiguous.
    unsigned step = pitch == field.channels ? field.kernel[1] : 1, below = 4 * DIRECT_ROWS * line; // in bytes
    const float *weight = weights;
    for (unsigned dh = 0; dh < field.kernel[0]; dh++)
        for (unsigned dw = 0; dw < field.kernel[1]; dw += step) {
            unsigned from = 4 * ((threadIdx.y + dh) * line + (threadIdx.x + dw) * pitch);
#pragma unroll 1
            for (unsigned i = 0; i < step * field.channels; i++) {
                float own[FILTERS];
                get<FILTERS>(weight, own);
                weight += FILTERS;
#pragma unroll
                for (int k = 0; k < POSITIONS; k++) {
                    float at_k = *(const float *)((const char *)tile + (from + k * below));
#pragma unroll
                    for (int o = 0; o < FILTERS; o++) sums[k][o] += at_k * own[o];
                }
                from += 4;
            }
        }
#pragma unroll
    for (int k = 0; k < POSITIONS; k++) {
        unsigned h = at.row + threadIdx.y + k * DIRECT_ROWS, w = at.column + threadIdx.x;
        if (h >= field.outputs[0] || w >= field.outputs[1]) continue;
        size_t position = ((size_t)at.frame * field.outputs[0] + h) * field.outputs[1] + w;
        store<FILTERS>(sums[k], y + position * field.filters + group);
    }
}

// Copies a tile of `rows` rows of the gradient, with zeros outside the field, and adds it to this thread's sums for the
// bias of its four filters. The pitch of the rows puts two of them into different banks.
const int GRADIENT_SIDE = 16, GRADIENT_LINE = GRADIENT_SIDE * FILTERS + FILTERS;
__device__ inline void copy_gradient_tile(float *gradient, const Element *dy, const DirectField &field, const DirectTile &at,
                                          unsigned rows, unsigned thread, float (&bias)[4]) {
    const unsigned WORDS = FILTERS / 4;
#pragma unroll 4
    for (unsigned place = thread / WORDS; place < rows * GRADIENT_SIDE; place += DIRECT_THREADS / WORDS) {
        unsigned row = place / GRADIENT_SIDE, column = place % GRADIENT_SIDE, h = at.row + row, w = at.column + column;
        size_t position = ((size_t)at.frame * field.outputs[0] + h) * field.outputs[1] + w;
        float own[4] = {};
        if (h < field.outputs[0] && w < field.outputs[1])
            load<4>(dy + position * field.filters + blockIdx.x * FILTERS + thread % WORDS * 4, own);
        put<4>(own, gradient + row * GRADIENT_LINE + column * FILTERS + thread % WORDS * 4);
#pragma unroll
        for (int i = 0; i < 4; i++) bias[i] += own[i];
    }
}

// partials (chunks, taps + 1, filters): the gradients of the matrix and, behind it, of the bias, summed over each chunk
// of tiles. A grid (filters / 16, chunks) of blocks (32, 4). A tile's rows go in turns to `shares` groups of threads,
// of which each takes 6 taps. Shared memory: a tile of the gradient, and one of the field; in the end sums of all taps,
// in groups of 6.
extern "C" __global__ void __launch_bounds__(128, 3)
    direct_partials(const Element *x, const Element *dy, float *partials, DirectField field, unsigned tiles,
                    unsigned tiles_per_chunk, unsigned shares) {
    unsigned taps = field.kernel[0] * field.kernel[1] * field.channels, apart = (taps + TAPS - 1) / TAPS;
    unsigned thread = threadIdx.y * LANES + threadIdx.x, share = thread / apart, rows = GRADIENT_SIDE / shares;
    unsigned pitch = pitch_of(field), line = (GRADIENT_SIDE + field.kernel[1] - 1) * pitch;
    line += (apart - line) % LANES; // shares are as far apart in the banks as their threads
    float *gradient = (float *)shared_memory, *tile = gradient + shares * rows * GRADIENT_LINE;
    // Offsets of this thread's taps from the start of the tile, in its first row.
    unsigned from[TAPS];
#pragma unroll
    for (int k = 0; k < TAPS; k++) {
        unsigned tap = thread % apart + k * apart, at = tap < taps ? tap / field.channels : 0;
        from[k] = (share + at / field.kernel[1]) * line + at % field.kernel[1] * pitch + tap % field.channels;
    }
    float sums[TAPS][FILTERS] = {}, bias[4] = {};
    Chunk chunk = own_chunk(tiles, tiles_per_chunk);
    for (unsigned number = chunk.begin; number < chunk.end; number++) {
        DirectTile at = direct_tile(number, field, shares * rows, GRADIENT_SIDE);
        __syncthreads();
        begin_tile(tile, line, x, field, at, shares * rows, GRADIENT_SIDE);
        copy_gradient_tile(gradient, dy, field, at, shares * rows, thread, bias);
        await_copies();
        __syncthreads();
        if (share >= shares) continue;
        for (unsigned row = 0; row < rows; row++) {
            const float *there = tile + row * shares * line;
            const float *along = gradient + (row * shares + share) * GRADIENT_LINE;
#pragma unroll 2
            for (unsigned column = 0; column < GRADIENT_SIDE; column++) {
                float own[FILTERS];
                get<FILTERS>(along, own);
                along += FILTERS;
#pragma unroll
                for (int k = 0; k < TAPS; k++) {
                    float at_k = there[from[k]];
#pragma unroll
                    for (int o = 0; o < FILTERS; o++) sums[k][o] += at_k * own[o];
                }
                there += pitch;
            }
        }
    }
    // The sums of the shares are added one after the other, always in the same order.
    float *totals = (float *)shared_memory;
    for (unsigned turn = 0; turn < shares; turn++) {
        __syncthreads();
        if (share != turn) continue;
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            float *own = totals + (thread % apart + k * apart) * FILTERS;
#pragma unroll
            for (int o = 0; o < FILTERS; o++) own[o] = turn ? own[o] + sums[k][o] : sums[k][o];
        }
    }
    __syncthreads();
    partials += (size_t)blockIdx.y * (taps + 1) * field.filters + blockIdx.x * FILTERS;
    for (unsigned i = thread; i < taps * FILTERS; i += DIRECT_THREADS)
        partials[(size_t)(i / FILTERS) * field.filters + i % FILTERS] = totals[i];
    __syncthreads();
    put<4>(bias, totals + 4 * thread);
    __syncthreads();
    if (thread >= FILTERS) return;
    float sum = 0;
    for (unsigned i = 0; i < 4 * DIRECT_THREADS; i += FILTERS) sum += totals[i + thread];
    partials[(size_t)taps * field.filters + thread] = sum;
}
