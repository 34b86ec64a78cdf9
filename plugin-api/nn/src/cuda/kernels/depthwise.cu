// Depthwise convolution of x (B, T, H, W, C), stride 1, zero padding that keeps the size.
//
// For kernels of 7 in height and width a block works on 16 channels of a tile of the plane, and slides along all
// frames: each frame is staged in shared memory once, with its margin, and added to all output sums that depend on it,
// which stay in registers. A warp holds two rows of a tile, in lanes 0 to 15 and 16 to 31; the pitch of the rows in
// shared memory puts them into different banks. For all other kernel sizes a thread computes one output at a time.
#include "copy.cuh"
#include "sums.cuh"

struct Field {
    unsigned frames, height, width, channels;
};

const int SIDE = 7;
const int MARGIN = SIDE / 2;
const int GROUP = 16; // channels per block

// weights (taps + 1, C) from weight (C, taps) and bias (C): transposed, with the bias as the last row. For the gradient
// of the input the taps are reversed, and the bias is 0.
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

// The index of the first element of a frame.
__device__ inline size_t frame_start(const Field &field, unsigned sample, unsigned t) {
    return ((size_t)sample * field.frames + t) * field.height * field.width * field.channels;
}

// An element of channel `c` of the frame that starts at `x`; zero outside the frame.
__device__ inline float value_at(const Element *x, const Field &field, unsigned h, unsigned w, unsigned c) {
    if (h >= field.height || w >= field.width || c >= field.channels) return 0;
    return value(x[((size_t)h * field.width + w) * field.channels + c]);
}

// Starts to copy HEIGHT x WIDTH positions of 16 channels, from (h, w) and channel `group` on, of the frame that starts
// at `x`, N channels at a time; zeros outside the frame. Each of the `warps` warps copies whole rows; `warp` is the
// index of this one.
template <int N, int HEIGHT, int WIDTH, int PITCH>
__device__ inline void begin_plane_by(Element *to, const Element *x, const Field &field, int h, int w, unsigned group,
                                      unsigned warp, unsigned warps) {
    const int EACH = GROUP / N, BESIDE = LANES / EACH; // copies per position, and positions per warp and pass
    int column = threadIdx.x / EACH, c = threadIdx.x % EACH * N;
    for (int row = warp; row < HEIGHT; row += warps) {
        const Element *from = x + ((ptrdiff_t)(h + row) * (int)field.width + w + column) * (int)field.channels + group + c;
        bool inside = (unsigned)(h + row) < field.height && group + c < field.channels;
        Element *own = to + row * PITCH + column * GROUP + c;
#pragma unroll
        for (int i = 0; i < WIDTH; i += BESIDE)
            if (i + BESIDE <= WIDTH || i + column < WIDTH)
                begin_copy<N>(own + i * GROUP, from + (ptrdiff_t)i * field.channels,
                              inside && (unsigned)(w + column + i) < field.width);
    }
}
template <int HEIGHT, int WIDTH, int PITCH>
__device__ inline void begin_plane(Element *to, const Element *x, const Field &field, int h, int w, unsigned group,
                                   unsigned warp, unsigned warps) {
    if (in_packs(x, field.channels))
        begin_plane_by<COPIED, HEIGHT, WIDTH, PITCH>(to, x, field, h, w, group, warp, warps);
    else
        begin_plane_by<1, HEIGHT, WIDTH, PITCH>(to, x, field, h, w, group, warp, warps);
}

// A tile of outputs of `depthwise_tiled`: its column, row and sample.
const int TILE_HEIGHT = 16, TILE_WIDTH = 8;
struct Tile {
    unsigned column, row, sample;
};
__device__ inline Tile tile_of(unsigned number, const Field &field, unsigned tile_height) {
    unsigned columns = (field.width + TILE_WIDTH - 1) / TILE_WIDTH;
    unsigned rows = (field.height + tile_height - 1) / tile_height;
    return {number % columns * TILE_WIDTH, number / columns % rows * tile_height, number / columns / rows};
}

// The plane of a tile with its margin, and the pitch of its rows in shared memory.
const int PLANE_HEIGHT = TILE_HEIGHT + SIDE - 1, PLANE_WIDTH = TILE_WIDTH + SIDE - 1, PLANE_PITCH = PLANE_WIDTH * GROUP + 16;
// The weights of a kernel row are two words of four per channel, which takes fewer loads.
const int WEIGHTS = 8;

// Adds a frame to the sums of the output frames `first` to `last` around it; ALL if none of them lies outside the
// field. `plane` and `taps` point to the row and channel of the thread.
template <int DEPTH, bool ALL>
__device__ inline void add_frame(float (&sums)[DEPTH][TILE_WIDTH], const Element *plane, const float *taps, int first,
                                 int last) {
#pragma unroll 1
    for (int dh = 0; dh < SIDE; dh++) {
        float row[PLANE_WIDTH];
#pragma unroll
        for (int i = 0; i < PLANE_WIDTH; i++) row[i] = value(plane[dh * PLANE_PITCH + i * GROUP]);
#pragma unroll
        for (int f = 0; f < DEPTH; f++) {
            if (!ALL && (f < first || f > last)) continue;
            const float *along = taps + ((DEPTH - 1 - f) * SIDE + dh) * WEIGHTS * GROUP;
            float weights[WEIGHTS];
            get<4>(along, weights);
            get<4>(along + 4 * GROUP, weights + 4);
#pragma unroll
            for (int dw = 0; dw < SIDE; dw++)
#pragma unroll
                for (int i = 0; i < TILE_WIDTH; i++) sums[f][i] += weights[dw] * row[i + dw];
        }
    }
}

// y = convolution (+ addend, which may be null). A grid (tiles, channels / 16) of blocks (32, 8). Shared memory: the
// weights, and two planes: one is filled while the other is read.
template <int DEPTH>
__device__ inline void depthwise_tiled(const Element *x, const float *weights, const Element *addend, Element *y,
                                       const Field &field) {
    const int HALF = DEPTH / 2, PLANE = PLANE_HEIGHT * PLANE_PITCH;
    float *taps = (float *)shared_memory;
    Element *planes = (Element *)(taps + DEPTH * SIDE * WEIGHTS * GROUP);
    unsigned channel = threadIdx.x % GROUP, group = blockIdx.y * GROUP, c = group + channel;
    unsigned half_warp = 2 * threadIdx.y + threadIdx.x / GROUP, own = c < field.channels ? c : field.channels - 1;
    Tile tile = tile_of(blockIdx.x, field, TILE_HEIGHT);
    auto begin_frame = [&](int t) {
        begin_plane<PLANE_HEIGHT, PLANE_WIDTH, PLANE_PITCH>(planes + t % 2 * PLANE, x + frame_start(field, tile.sample, t),
                                                            field, (int)tile.row - MARGIN, (int)tile.column - MARGIN, group,
                                                            threadIdx.y, ROWS);
    };
    begin_frame(0);
    // Lanes beyond the last channel use its weights, and store nothing.
    for (int tap = half_warp; tap < DEPTH * SIDE * SIDE; tap += TILE_HEIGHT) {
        int row = tap / SIDE, dw = tap % SIDE;
        taps[((row * 2 + dw / 4) * GROUP + channel) * 4 + dw % 4] = weights[(size_t)tap * field.channels + own];
    }
    float bias = weights[(size_t)DEPTH * SIDE * SIDE * field.channels + own];
    // sums[f] belongs to the output frame t - DEPTH / 2 + f.
    float sums[DEPTH][TILE_WIDTH];
#pragma unroll
    for (int f = 0; f < DEPTH; f++)
#pragma unroll
        for (int i = 0; i < TILE_WIDTH; i++) sums[f][i] = bias;
    unsigned h = tile.row + half_warp;
    int frames = field.frames;
    for (int t = 0; t < frames + HALF; t++) {
        if (t < frames) {
            // After the barrier this frame is visible to all threads, and no thread reads the previous one any more.
            await_copies();
            __syncthreads();
            if (t + 1 < frames) begin_frame(t + 1);
            const Element *plane = planes + t % 2 * PLANE + half_warp * PLANE_PITCH + channel;
            int first = HALF - t, last = frames - 1 - t + HALF;
            if (first <= 0 && last >= DEPTH - 1)
                add_frame<DEPTH, true>(sums, plane, taps + 4 * channel, first, last);
            else
                add_frame<DEPTH, false>(sums, plane, taps + 4 * channel, first, last);
        }
        int done = t - HALF;
        if (done >= 0 && h < field.height && c < field.channels) {
            size_t start = frame_start(field, tile.sample, done) + ((size_t)h * field.width + tile.column) * field.channels + c;
#pragma unroll
            for (int i = 0; i < TILE_WIDTH; i++)
                if (tile.column + i < field.width) {
                    size_t at = start + (size_t)i * field.channels;
                    y[at] = element(addend ? value(addend[at]) + sums[0][i] : sums[0][i]);
                }
        }
#pragma unroll
        for (int f = 0; f < DEPTH; f++)
#pragma unroll
            for (int i = 0; i < TILE_WIDTH; i++) sums[f][i] = f + 1 < DEPTH ? sums[f + 1][i] : bias;
    }
}

extern "C" __global__ void __launch_bounds__(256, 2)
    depthwise_7x7x7(const Element *x, const float *weights, const Element *addend, Element *y, Field field) {
    depthwise_tiled<7>(x, weights, addend, y, field);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    depthwise_7x7(const Element *x, const float *weights, const Element *addend, Element *y, Field field) {
    depthwise_tiled<1>(x, weights, addend, y, field);
}

// Any odd kernel size: one warp per position.
extern "C" __global__ void depthwise_any(const Element *x, const float *weights, const Element *addend,
                                         Element *y, Field field, unsigned depth, unsigned kernel_height, unsigned kernel_width,
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
                    sum += weights[tap * channels + c] * value_at(x + frame_start(field, sample, t), field, h, w, c);
                }
        }
        size_t at = (size_t)position * channels + c;
        y[at] = element(addend ? value(addend[at]) + sum : sum);
    }
}

// Stages HEIGHT x WIDTH positions of channel `c`, from (h, w) on, of the frame that starts at `x`; zeros outside the
// frame. Each of the `count` half-warps copies whole rows; `number` is the index of this one.
template <int HEIGHT, int WIDTH, int PITCH>
__device__ inline void stage(float *to, const Element *x, const Field &field, int h, int w, unsigned c,
                             unsigned number, unsigned count) {
    for (int row = number; row < HEIGHT; row += count) {
        const Element *from = x + ((ptrdiff_t)(h + row) * (int)field.width + w) * (int)field.channels + c;
        bool inside = (unsigned)(h + row) < field.height && c < field.channels;
        float *own = to + row * PITCH + threadIdx.x % GROUP;
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            own[i * GROUP] = inside && (unsigned)(w + i) < field.width ? value(*from) : 0;
            from += field.channels;
        }
    }
}

// partials (chunks, taps + 1, C): the gradients of the weight and, in the last row, of the bias, summed over each chunk
// of tiles. A grid (channels / 16, chunks) of blocks (32, 7): threadIdx.y is the row of the tap.
const int GRADIENT_HEIGHT = 8;
template <int DEPTH>
__device__ inline void depthwise_tiled_partials(const Element *x, const Element *dy, float *partials,
                                                const Field &field, unsigned tiles, unsigned tiles_per_chunk) {
    const int HEIGHT = GRADIENT_HEIGHT + SIDE - 1, WIDTH = TILE_WIDTH + SIDE - 1, PITCH = WIDTH * GROUP + 4;
    const int OWN = GRADIENT_HEIGHT / 2, GRADIENT_PITCH = TILE_WIDTH * GROUP + 4;
    // A ring of the DEPTH frames of the gradient that depend on a frame of x.
    __shared__ float plane[HEIGHT * PITCH], gradient[DEPTH * GRADIENT_HEIGHT * GRADIENT_PITCH];
    unsigned channel = threadIdx.x % GROUP, c = blockIdx.x * GROUP + channel, half = threadIdx.x / GROUP;
    unsigned half_warp = 2 * threadIdx.y + half;
    int frames = field.frames;
    // sums[f] belongs to the gradient's frame t - DEPTH / 2 + f.
    float sums[DEPTH][SIDE] = {}, bias = 0;
    unsigned begin = blockIdx.y * tiles_per_chunk;
    for (unsigned number = begin; number < tiles && number < begin + tiles_per_chunk; number++) {
        Tile tile = tile_of(number, field, GRADIENT_HEIGHT);
        for (int t = 0; t < frames; t++) {
            __syncthreads();
            stage<HEIGHT, WIDTH, PITCH>(plane, x + frame_start(field, tile.sample, t), field, (int)tile.row - MARGIN,
                                        (int)tile.column - MARGIN, c, half_warp, 2 * SIDE);
            for (int to = t ? t + DEPTH / 2 : 0; to <= t + DEPTH / 2 && to < frames; to++)
                stage<GRADIENT_HEIGHT, TILE_WIDTH, GRADIENT_PITCH>(
                    gradient + to % DEPTH * GRADIENT_HEIGHT * GRADIENT_PITCH, dy + frame_start(field, tile.sample, to),
                    field, tile.row, tile.column, c, half_warp, 2 * SIDE);
            __syncthreads();
#pragma unroll 1
            for (int h = OWN * half; h < OWN * (int)half + OWN; h++) {
                float row[WIDTH];
#pragma unroll
                for (int i = 0; i < WIDTH; i++) row[i] = plane[(h + threadIdx.y) * PITCH + i * GROUP + channel];
#pragma unroll
                for (int f = 0; f < DEPTH; f++) {
                    int to = t - DEPTH / 2 + f;
                    if (to < 0 || to >= frames) continue;
                    const float *along = gradient + (to % DEPTH * GRADIENT_HEIGHT + h) * GRADIENT_PITCH + channel;
#pragma unroll
                    for (int i = 0; i < TILE_WIDTH; i++) {
                        float dy_at = along[i * GROUP];
                        if (f == DEPTH / 2) bias += dy_at;
#pragma unroll
                        for (int dw = 0; dw < SIDE; dw++) sums[f][dw] += dy_at * row[i + dw];
                    }
                }
            }
        }
    }
    partials += (size_t)blockIdx.y * (DEPTH * SIDE * SIDE + 1) * field.channels + c;
    bool own = half == 0 && c < field.channels;
#pragma unroll
    for (int f = 0; f < DEPTH; f++)
#pragma unroll
        for (int dw = 0; dw < SIDE; dw++) {
            float sum = sums[f][dw] + __shfl_xor_sync(0xffffffffu, sums[f][dw], GROUP);
            unsigned tap = ((DEPTH - 1 - f) * SIDE + threadIdx.y) * SIDE + dw;
            if (own) partials[(size_t)tap * field.channels] = sum;
        }
    bias += __shfl_xor_sync(0xffffffffu, bias, GROUP);
    if (own && threadIdx.y == 0) partials[(size_t)DEPTH * SIDE * SIDE * field.channels] = bias;
}

extern "C" __global__ void __launch_bounds__(224, 3)
    depthwise_7x7x7_partials(const Element *x, const Element *dy, float *partials, Field field, unsigned tiles,
                             unsigned tiles_per_chunk) {
    depthwise_tiled_partials<7>(x, dy, partials, field, tiles, tiles_per_chunk);
}

extern "C" __global__ void __launch_bounds__(224, 3)
    depthwise_7x7_partials(const Element *x, const Element *dy, float *partials, Field field, unsigned tiles,
                           unsigned tiles_per_chunk) {
    depthwise_tiled_partials<1>(x, dy, partials, field, tiles, tiles_per_chunk);
}

// The same for any odd kernel size, over chunks of positions: a grid (channels / 32, chunks, taps + 1).
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
        float along = value_at(dy + frame_start(field, sample, frame), field, h, w, c);
        if (tap == kernel_height * kernel_width * depth) {
            sum += along; // for the bias
            continue;
        }
        if (t >= field.frames) continue;
        sum += along *
               value_at(x + frame_start(field, sample, t), field, h + dh - kernel_height / 2, w + dw - kernel_width / 2, c);
    }
    sum = sum_of_column(sum);
    unsigned taps = depth * kernel_height * kernel_width;
    if (threadIdx.y == 0 && c < field.channels)
        partials[((size_t)blockIdx.y * (taps + 1) + tap) * field.channels + c] = sum;
}
