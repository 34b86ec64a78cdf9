// The part of a ConvNeXt block after its convolution, for few channels C: layer normalisation, a linear layer that
// widens fourfold, GELU, a linear layer that narrows, and the residual, on tensor cores (mma.cuh). A warp computes 16
// rows at a time and keeps all intermediate values in registers.
//
// The parameters are contiguous: the norm's weight (C) and bias (C), the wide layer's weight (4 C, C) and bias
// (4 C), the narrow layer's weight (C, 4 C) and bias (C), and gamma (C).
#include "gelu.cuh"
#include "mma.cuh"
#include "sums.cuh"

// With f32 activations products have f32 precision; with bf16 activations the precision of tf32, which is higher than
// bf16.
const bool EXACT = sizeof(Element) == sizeof(float);

const int MLP_WARPS = 4;
const int TILE_ROWS = 16;
const int BLOCK_ROWS = MLP_WARPS * TILE_ROWS;

// Offsets of the parameters.
template <int C> struct Mlp {
    static const int HIDDEN = 4 * C, TILES = HIDDEN / 8, PARTS = C / 8;
    static const int WIDE = 2 * C, WIDE_BIAS = WIDE + HIDDEN * C, NARROW = WIDE_BIAS + HIDDEN;
    static const int NARROW_BIAS = NARROW + HIDDEN * C, GAMMA = NARROW_BIAS + C;
    // Elements of the right factors of a weight: a pair per thread of a warp.
    static const int FACTORS = TILES * PARTS * LANES * 2;
};

// The row and column of a thread in a tile.
__device__ inline unsigned tile_row() { return threadIdx.x / 4; }
__device__ inline unsigned tile_column() { return threadIdx.x % 4 * 2; }

// Copies a weight to shared memory as the right factors of products, one for each tile of hidden units and part of the
// channels. `of_hidden` and `of_channel` are the strides of the weight along its two axes.
template <int C>
__device__ inline void factors(float *to, const float *weight, bool inner_is_hidden, unsigned of_hidden,
                               unsigned of_channel) {
    typedef Mlp<C> M;
    for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < M::FACTORS / 2; i += MLP_WARPS * LANES) {
        unsigned thread = i % LANES, part = i / LANES % M::PARTS, tile = i / LANES / M::PARTS;
        unsigned inner = thread % 4 * 2, outer = thread / 4;
        unsigned hidden = 8 * tile + (inner_is_hidden ? inner : outer), c = 8 * part + (inner_is_hidden ? outer : inner);
        const float *from = weight + hidden * of_hidden + c * of_channel;
        to[2 * i] = from[0];
        to[2 * i + 1] = from[inner_is_hidden ? of_hidden : of_channel];
    }
}

// Loads this thread's part of the 16 rows of x (rows, C) from `first` on; rows beyond the last repeat the last.
template <int C>
__device__ inline void load_tile(const Element *x, size_t first, unsigned rows, float tile[C / 8][4]) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
        size_t row = first + tile_row() + 8 * half;
        const Element *from = x + (row < rows ? row : rows - 1) * C + tile_column();
#pragma unroll
        for (int part = 0; part < C / 8; part++) load<2>(from + 8 * part, tile[part] + 2 * half);
    }
}

template <int C>
__device__ inline void store_tile(Element *x, size_t first, unsigned rows, const float tile[C / 8][4]) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
        size_t row = first + tile_row() + 8 * half;
        if (row >= rows) continue;
#pragma unroll
        for (int part = 0; part < C / 8; part++) store<2>(tile[part] + 2 * half, x + row * C + 8 * part + tile_column());
    }
}

// The sum over the four threads of a row.
__device__ inline float sum_of_row(float own) {
    own += __shfl_xor_sync(0xffffffffu, own, 1);
    return own + __shfl_xor_sync(0xffffffffu, own, 2);
}

// Standardises each row: subtracts its mean and divides by its standard deviation, whose reciprocal goes to `scales`.
template <int C> __device__ inline void standardise(float tile[C / 8][4], float scales[2], float eps) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float sum = 0, square = 0;
#pragma unroll
        for (int part = 0; part < C / 8; part++) sum += tile[part][2 * half] + tile[part][2 * half + 1];
        float mean = sum_of_row(sum) / C;
#pragma unroll
        for (int i = 0; i < C / 4; i++) {
            float &own = tile[i / 2][2 * half + i % 2];
            own -= mean;
            square += own * own;
        }
        scales[half] = 1.0f / sqrtf(sum_of_row(square) / C + eps);
#pragma unroll
        for (int i = 0; i < C / 4; i++) tile[i / 2][2 * half + i % 2] *= scales[half];
    }
}

// to = from scale (+ shift), column by column.
template <int C>
__device__ inline void scale_columns(const float from[C / 8][4], const float *scale, const float *shift,
                                     float to[C / 8][4]) {
#pragma unroll
    for (int part = 0; part < C / 8; part++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            unsigned c = 8 * part + tile_column() + i % 2;
            to[part][i] = from[part][i] * scale[c] + (shift ? shift[c] : 0);
        }
}

// out = x + gamma (narrow gelu(wide norm(y) + bias) + bias), for rows of y and x (rows, C). Blocks of (32, 4); each
// takes `rows_per_block` rows. Shared memory: both weights' factors, and all other parameters.
template <int C>
__device__ inline void mlp_forward(const Element *y, const Element *x, const float *parameters, Element *out,
                                   unsigned rows, unsigned rows_per_block, float eps) {
    typedef Mlp<C> M;
    const int TILES_AT_ONCE = 2;
    float *up = (float *)shared_memory, *down = up + M::FACTORS, *others = down + M::FACTORS;
    float *norm_weight = others, *norm_bias = others + C, *narrow_bias = others + 2 * C, *gamma = others + 3 * C;
    float *wide_bias = others + 4 * C;
    factors<C>(up, parameters + M::WIDE, false, C, 1);
    factors<C>(down, parameters + M::NARROW, true, 1, M::HIDDEN);
    for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < M::HIDDEN; i += MLP_WARPS * LANES) {
        wide_bias[i] = parameters[M::WIDE_BIAS + i];
        if (i >= C) continue;
        norm_weight[i] = parameters[i];
        norm_bias[i] = parameters[C + i];
        narrow_bias[i] = parameters[M::NARROW_BIAS + i];
        gamma[i] = parameters[M::GAMMA + i];
    }
    __syncthreads();
    size_t begin = (size_t)blockIdx.x * rows_per_block, end = begin + rows_per_block;
    if (end > rows) end = rows;
    for (size_t base = begin; base < end; base += TILES_AT_ONCE * BLOCK_ROWS) {
        size_t first = base + threadIdx.y * TILES_AT_ONCE * TILE_ROWS;
        float normal[TILES_AT_ONCE][M::PARTS][4], sums[TILES_AT_ONCE][M::PARTS][4], scales[2];
#pragma unroll
        for (int m = 0; m < TILES_AT_ONCE; m++) {
            load_tile<C>(y, first + m * TILE_ROWS, rows, normal[m]);
            standardise<C>(normal[m], scales, eps);
            scale_columns<C>(normal[m], norm_weight, norm_bias, normal[m]);
#pragma unroll
            for (int i = 0; i < 4 * M::PARTS; i++)
                sums[m][i / 4][i % 4] = narrow_bias[i / 4 * 8 + tile_column() + i % 2];
        }
#pragma unroll 1
        for (int tile = 0; tile < M::TILES; tile++) {
            float hidden[TILES_AT_ONCE][4], factor[2];
#pragma unroll
            for (int m = 0; m < TILES_AT_ONCE; m++)
#pragma unroll
                for (int i = 0; i < 4; i++) hidden[m][i] = wide_bias[8 * tile + tile_column() + i % 2];
#pragma unroll
            for (int part = 0; part < M::PARTS; part++) {
                get<2>(up + ((tile * M::PARTS + part) * LANES + threadIdx.x) * 2, factor);
#pragma unroll
                for (int m = 0; m < TILES_AT_ONCE; m++) multiply<EXACT>(hidden[m], normal[m][part], factor);
            }
#pragma unroll
            for (int m = 0; m < TILES_AT_ONCE; m++)
#pragma unroll
                for (int i = 0; i < 4; i++) hidden[m][i] = gelu(hidden[m][i]);
#pragma unroll
            for (int part = 0; part < M::PARTS; part++) {
                get<2>(down + ((tile * M::PARTS + part) * LANES + threadIdx.x) * 2, factor);
#pragma unroll
                for (int m = 0; m < TILES_AT_ONCE; m++) multiply<EXACT>(sums[m][part], hidden[m], factor);
            }
        }
#pragma unroll
        for (int m = 0; m < TILES_AT_ONCE; m++) {
            load_tile<C>(x, first + m * TILE_ROWS, rows, normal[m]);
#pragma unroll
            for (int i = 0; i < 4 * M::PARTS; i++)
                normal[m][i / 4][i % 4] += gamma[i / 4 * 8 + tile_column() + i % 2] * sums[m][i / 4][i % 4];
            store_tile<C>(out, first + m * TILE_ROWS, end, normal[m]);
        }
    }
}

// The sums over rows from which the gradients of the parameters are computed: of hidden x normalised (4 C, C), of
// activated x gradient (4 C, C), of hidden (4 C) and of the gradient (C), where hidden is the gradient of the input of
// GELU.
template <int C> struct MlpSums {
    static const int HIDDEN = 4 * C, COUNT = 2 * HIDDEN * C + HIDDEN + C;
};

// dy, the gradient of y, from the gradient of the output; and partials (chunks, sums), the sums for the gradients of
// the parameters. Blocks of (32, 4); each takes `rows_per_block` rows.
//
// TEAM warps share their rows, for TEAM tiles of hidden units at a time; each warp sums the products of one tile with
// all channels over the rows of the whole team. Shared memory: the factors of three products, the other parameters, and
// these rows.
template <int C, int TEAM>
__device__ inline void mlp_backward(const Element *y, const Element *gradient, const float *parameters, Element *dy,
                                    float *partials, unsigned rows, unsigned rows_per_block, float eps) {
    typedef Mlp<C> M;
    // 16 channels are the rows of a tile of products; if there are 8, half of it is idle.
    const int STRIPS = C < 16 ? 1 : C / 16, PITCH = C + 4, TILE_PITCH = 12, TEAM_ROWS = TEAM * TILE_ROWS;
    float *up = (float *)shared_memory, *back_down = up + M::FACTORS, *back_up = back_down + M::FACTORS;
    float *norm_weight = back_up + M::FACTORS, *norm_bias = norm_weight + C, *gamma = norm_bias + C;
    float *wide_bias = gamma + C;
    // The left factor for hidden, then the one for activated: all channels of the block's rows, and the current tiles.
    const int NARROW = BLOCK_ROWS * PITCH, WIDE = TEAM * BLOCK_ROWS * TILE_PITCH;
    float *narrow = wide_bias + M::HIDDEN, *wide = narrow + 2 * NARROW;
    factors<C>(up, parameters + M::WIDE, false, C, 1);
    factors<C>(back_down, parameters + M::NARROW, false, 1, M::HIDDEN);
    factors<C>(back_up, parameters + M::WIDE, true, C, 1);
    for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < M::HIDDEN; i += MLP_WARPS * LANES) {
        wide_bias[i] = parameters[M::WIDE_BIAS + i];
        if (i >= C) continue;
        norm_weight[i] = parameters[i];
        norm_bias[i] = parameters[C + i];
        gamma[i] = parameters[M::GAMMA + i];
    }
    __syncthreads();
    unsigned team = threadIdx.y / TEAM, member = threadIdx.y % TEAM;
    float products[M::TILES / TEAM][2][STRIPS][4] = {}, of_hidden[M::TILES / TEAM] = {}, of_gradient[STRIPS][2] = {};
    size_t begin = (size_t)blockIdx.x * rows_per_block, end = begin + rows_per_block;
    if (end > rows) end = rows;
    for (size_t base = begin; base < end; base += BLOCK_ROWS) {
        size_t first = base + threadIdx.y * TILE_ROWS;
        float normal[M::PARTS][4], above[M::PARTS][4], dnormal[M::PARTS][4] = {}, scales[2];
        load_tile<C>(y, first, rows, normal);
        load_tile<C>(gradient, first, rows, above);
        standardise<C>(normal, scales, eps);
        meet<TEAM>(); // all reads of the previous rows are done
#pragma unroll
        for (int half = 0; half < 2; half++) {
            unsigned row = tile_row() + 8 * half;
            bool inside = first + row < end;
            float *own = narrow + (threadIdx.y * TILE_ROWS + row) * PITCH + tile_column();
#pragma unroll
            for (int part = 0; part < M::PARTS; part++) {
                if (!inside) above[part][2 * half] = above[part][2 * half + 1] = 0; // adds nothing to any sum
                put<2>(normal[part] + 2 * half, own + 8 * part);
                put<2>(above[part] + 2 * half, own + 8 * part + NARROW);
            }
        }
        scale_columns<C>(normal, norm_weight, norm_bias, normal);
        scale_columns<C>(above, gamma, nullptr, above);
#pragma unroll
        for (int round = 0; round < M::TILES / TEAM; round++) {
            if (round > 0) meet<TEAM>();
#pragma unroll 1
            for (int i = 0; i < TEAM; i++) {
                int tile = round * TEAM + i;
                float hidden[4], activated[4], slope[4] = {}, factor[2];
#pragma unroll
                for (int k = 0; k < 4; k++) hidden[k] = wide_bias[8 * tile + tile_column() + k % 2];
#pragma unroll
                for (int part = 0; part < M::PARTS; part++) {
                    unsigned at = ((tile * M::PARTS + part) * LANES + threadIdx.x) * 2;
                    get<2>(up + at, factor);
                    multiply<EXACT>(hidden, normal[part], factor);
                    get<2>(back_down + at, factor);
                    multiply<EXACT>(slope, above[part], factor);
                }
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    Gelu at = gelu_with_slope(hidden[k]);
                    activated[k] = at.value;
                    hidden[k] = at.slope * slope[k];
                }
#pragma unroll
                for (int part = 0; part < M::PARTS; part++) {
                    get<2>(back_up + ((tile * M::PARTS + part) * LANES + threadIdx.x) * 2, factor);
                    multiply<EXACT>(dnormal[part], hidden, factor);
                }
                float *own = wide + ((team * TEAM + i) * TEAM_ROWS + member * TILE_ROWS + tile_row()) * TILE_PITCH +
                             tile_column();
                float *beside = own + WIDE;
                put<2>(hidden, own);
                put<2>(hidden + 2, own + 8 * TILE_PITCH);
                put<2>(activated, beside);
                put<2>(activated + 2, beside + 8 * TILE_PITCH);
            }
            meet<TEAM>();
            // This warp's tile, with all channels of the rows of the team; eight rows at a time are the inner
            // dimension.
            float fresh[2][STRIPS][4] = {};
#pragma unroll(TEAM == 1 ? 2 : 1)
            for (int eight = 0; eight < TEAM_ROWS / 8; eight++)
#pragma unroll
                for (int matrix = 0; matrix < 2; matrix++) {
                    const float *right = wide + matrix * WIDE + tile_row() +
                                         ((team * TEAM + member) * TEAM_ROWS + 8 * eight + tile_column()) * TILE_PITCH;
                    float factor[2] = {right[0], right[TILE_PITCH]};
                    if (matrix == 0) of_hidden[round] += factor[0] + factor[1];
                    const float *left = narrow + matrix * NARROW + tile_row() +
                                        (team * TEAM_ROWS + 8 * eight + tile_column()) * PITCH;
#pragma unroll
                    for (int strip = 0; strip < STRIPS; strip++) {
                        float own[4] = {left[16 * strip], left[16 * strip + PITCH], 0, 0};
                        if (C >= 16) own[2] = left[16 * strip + 8], own[3] = left[16 * strip + 8 + PITCH];
                        multiply<EXACT>(fresh[matrix][strip], own, factor);
                        if (matrix == 1 && round == 0) {
                            of_gradient[strip][0] += own[0] + own[1];
                            of_gradient[strip][1] += own[2] + own[3];
                        }
                    }
                }
#pragma unroll
            for (int i = 0; i < 8 * STRIPS; i++)
                products[round][i / 4 / STRIPS][i / 4 % STRIPS][i % 4] += fresh[i / 4 / STRIPS][i / 4 % STRIPS][i % 4];
        }
        // Back through the normalisation.
        float *own = narrow + (threadIdx.y * TILE_ROWS + tile_row()) * PITCH + tile_column();
        scale_columns<C>(dnormal, norm_weight, nullptr, dnormal);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float along_shift = 0, along_normal = 0;
#pragma unroll
            for (int part = 0; part < M::PARTS; part++) {
                get<2>(own + 8 * half * PITCH + 8 * part, normal[part] + 2 * half);
#pragma unroll
                for (int i = 2 * half; i < 2 * half + 2; i++) {
                    along_shift += dnormal[part][i];
                    along_normal += dnormal[part][i] * normal[part][i];
                }
            }
            along_shift = sum_of_row(along_shift) / C;
            along_normal = sum_of_row(along_normal) / C;
#pragma unroll
            for (int part = 0; part < M::PARTS; part++)
#pragma unroll
                for (int i = 2 * half; i < 2 * half + 2; i++)
                    dnormal[part][i] = scales[half] * (dnormal[part][i] - along_shift - normal[part][i] * along_normal);
        }
        store_tile<C>(dy, first, end, dnormal);
    }
    typedef MlpSums<C> Sums;
    partials += ((size_t)blockIdx.x * (MLP_WARPS / TEAM) + team) * Sums::COUNT;
#pragma unroll
    for (int round = 0; round < M::TILES / TEAM; round++) {
        unsigned tile = 8 * (round * TEAM + member);
#pragma unroll
        for (int i = 0; i < 8 * STRIPS; i++) {
            int matrix = i / 4 / STRIPS, strip = i / 4 % STRIPS;
            unsigned hidden = tile + tile_column() + i % 2, c = 16 * strip + tile_row() + i % 4 / 2 * 8;
            if (c < C) partials[(matrix * M::HIDDEN + hidden) * C + c] = products[round][matrix][strip][i % 4];
        }
        float sum = sum_of_row(of_hidden[round]);
        if (threadIdx.x % 4 == 0) partials[2 * M::HIDDEN * C + tile + tile_row()] = sum;
    }
#pragma unroll
    for (int i = 0; i < 2 * STRIPS; i++) {
        unsigned c = 16 * (i / 2) + tile_row() + i % 2 * 8;
        float sum = sum_of_row(of_gradient[i / 2][i % 2]);
        if (threadIdx.x % 4 == 0 && member == 0 && c < C) partials[2 * M::HIDDEN * C + M::HIDDEN + c] = sum;
    }
}
// The gradients of the parameters, in their order, from the sums over all rows. One thread per element.
extern "C" __global__ void mlp_parameters(const float *sums, const float *parameters, float *gradients,
                                          unsigned channels) {
    unsigned hidden = 4 * channels, i = own_row() * LANES + threadIdx.x;
    const float *outer = sums, *inner = sums + hidden * channels, *of_hidden = inner + hidden * channels;
    const float *of_gradient = of_hidden + hidden;
    const float *norm_bias = parameters + channels, *wide = norm_bias + channels, *narrow = wide + hidden * channels + hidden;
    const float *narrow_bias = narrow + hidden * channels, *gamma = narrow_bias + channels;
    if (i >= (2 * hidden + 4) * channels + hidden) return;
    float sum = 0;
    unsigned at = i;
    if (at < channels) { // the norm's weight
        for (unsigned j = 0; j < hidden; j++) sum += wide[j * channels + at] * outer[j * channels + at];
    } else if ((at -= channels) < channels) { // the norm's bias
        for (unsigned j = 0; j < hidden; j++) sum += wide[j * channels + at] * of_hidden[j];
    } else if ((at -= channels) < hidden * channels) { // the wide layer's weight
        unsigned c = at % channels;
        sum = parameters[c] * outer[at] + norm_bias[c] * of_hidden[at / channels];
    } else if ((at -= hidden * channels) < hidden) { // its bias
        sum = of_hidden[at];
    } else if ((at -= hidden) < hidden * channels) { // the narrow layer's weight
        unsigned c = at / hidden;
        sum = gamma[c] * inner[at % hidden * channels + c];
    } else if ((at -= hidden * channels) < channels) { // its bias
        sum = gamma[at] * of_gradient[at];
    } else { // gamma
        at -= channels;
        for (unsigned j = 0; j < hidden; j++) sum += narrow[at * hidden + j] * inner[j * channels + at];
        sum += narrow_bias[at] * of_gradient[at];
    }
    gradients[i] = sum;
}

// The gradients of the narrow layer's weight (C, 4 C) and bias (C) and of gamma (C), concatenated, from the sums over
// all rows of activated x gradient (4 C, C) and of the gradient (C); `end` is the narrow layer's bias, then gamma. One
// warp per channel.
extern "C" __global__ void mlp_end_parameters(const float *inner, const float *of_gradient, const float *narrow,
                                              const float *end, float *gradients, unsigned channels) {
    unsigned hidden = 4 * channels, c = own_row();
    if (c >= channels) return;
    float bias = end[c], gamma = end[channels + c], sum = 0;
    for (unsigned j = threadIdx.x; j < hidden; j += LANES) {
        float own = inner[j * channels + c];
        gradients[c * hidden + j] = gamma * own;
        sum += narrow[c * hidden + j] * own;
    }
    sum = sum_of_warp(sum);
    if (threadIdx.x == 0) {
        gradients[hidden * channels + c] = gamma * of_gradient[c];
        gradients[(hidden + 1) * channels + c] = bias * of_gradient[c] + sum;
    }
}

extern "C" __global__ void __launch_bounds__(128, 4)
    mlp_8_forward(const Element *y, const Element *x, const float *parameters, Element *out, unsigned rows, unsigned rows_per_block, float eps) {
    mlp_forward<8>(y, x, parameters, out, rows, rows_per_block, eps);
}

extern "C" __global__ void __launch_bounds__(128, 4)
    mlp_16_forward(const Element *y, const Element *x, const float *parameters, Element *out, unsigned rows, unsigned rows_per_block, float eps) {
    mlp_forward<16>(y, x, parameters, out, rows, rows_per_block, eps);
}

extern "C" __global__ void __launch_bounds__(128, 4)
    mlp_32_forward(const Element *y, const Element *x, const float *parameters, Element *out, unsigned rows, unsigned rows_per_block, float eps) {
    mlp_forward<32>(y, x, parameters, out, rows, rows_per_block, eps);
}

extern "C" __global__ void __launch_bounds__(128, 4)
    mlp_8_backward(const Element *y, const Element *gradient, const float *parameters, Element *dy, float *partials, unsigned rows, unsigned rows_per_block, float eps) {
    mlp_backward<8, 1>(y, gradient, parameters, dy, partials, rows, rows_per_block, eps);
}

extern "C" __global__ void __launch_bounds__(128, 3)
    mlp_16_backward(const Element *y, const Element *gradient, const float *parameters, Element *dy, float *partials, unsigned rows, unsigned rows_per_block, float eps) {
    mlp_backward<16, 1>(y, gradient, parameters, dy, partials, rows, rows_per_block, eps);
}

extern "C" __global__ void __launch_bounds__(128, 2)
    mlp_32_backward(const Element *y, const Element *gradient, const float *parameters, Element *dy, float *partials, unsigned rows, unsigned rows_per_block, float eps) {
    mlp_backward<32, 4>(y, gradient, parameters, dy, partials, rows, rows_per_block, eps);
}
