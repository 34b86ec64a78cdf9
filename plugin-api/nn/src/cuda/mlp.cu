// What lies behind the convolution of a ConvNeXt block with few channels C: layer normalisation, a layer that widens
// fourfold, GELU, a layer that narrows, and the residual. A thread computes a row, which stays in its registers.
//
// The parameters lie one behind the other: the norm's weight (C) and bias (C), the wide layer's weight (4 C, C) and bias
// (4 C), the narrow layer's weight (C, 4 C) and bias (C), and gamma (C).
#include "element.cuh"
#include "gelu.cuh"

const int MLP_WARPS = 4;
const int MLP_THREADS = MLP_WARPS * LANES;

template <int C> struct Mlp {
    static const int HIDDEN = 4 * C;
    alignas(16) float wide[HIDDEN * C], narrow[HIDDEN * C]; // narrow is transposed: (4 C, C)
    float norm_weight[C], norm_bias[C], wide_bias[HIDDEN], narrow_bias[C], gamma[C];

    // All threads of the block must call it.
    __device__ void load(const float *parameters) {
        for (int i = threadIdx.y * LANES + threadIdx.x; i < HIDDEN * C; i += MLP_THREADS) {
            wide[i] = parameters[2 * C + i];
            narrow[i % HIDDEN * C + i / HIDDEN] = parameters[2 * C + HIDDEN * C + HIDDEN + i];
            if (i < HIDDEN) wide_bias[i] = parameters[2 * C + HIDDEN * C + i];
            if (i >= C) continue;
            norm_weight[i] = parameters[i];
            norm_bias[i] = parameters[C + i];
            narrow_bias[i] = parameters[2 * C + 2 * HIDDEN * C + HIDDEN + i];
            gamma[i] = parameters[3 * C + 2 * HIDDEN * C + HIDDEN + i];
        }
        __syncthreads();
    }
};

// Subtracts the mean of a row and divides by its deviation; gives the reciprocal of that.
template <int C> __device__ inline float standardise(float *row, float eps) {
    float mean = 0, square = 0;
#pragma unroll
    for (int c = 0; c < C; c++) mean += row[c];
    mean /= C;
#pragma unroll
    for (int c = 0; c < C; c++) {
        row[c] -= mean;
        square += row[c] * row[c];
    }
    float scale = 1.0f / sqrtf(square / C + eps);
#pragma unroll
    for (int c = 0; c < C; c++) row[c] *= scale;
    return scale;
}

template <int C> __device__ inline float dot(const float *a, const float *b) {
    float sum = 0;
#pragma unroll
    for (int c = 0; c < C; c++) sum += a[c] * b[c];
    return sum;
}

// out = x + gamma (narrow gelu(wide norm(y) + bias) + bias), for rows of y and x (rows, C). Blocks of (32, 4); each takes
// `rows_per_block` rows.
template <int C>
__device__ inline void mlp_forward(const Element *y, const Element *x, const float *parameters, Element *out,
                                   unsigned rows, unsigned rows_per_block, float eps) {
    __shared__ Mlp<C> mlp;
    mlp.load(parameters);
    size_t begin = (size_t)blockIdx.x * rows_per_block, end = begin + rows_per_block;
    if (end > rows) end = rows;
    for (size_t row = begin + threadIdx.y * LANES + threadIdx.x; row < end; row += MLP_THREADS) {
        float normal[C], sums[C];
        load<C>(y + row * C, normal);
        standardise<C>(normal, eps);
#pragma unroll
        for (int c = 0; c < C; c++) {
            normal[c] = normal[c] * mlp.norm_weight[c] + mlp.norm_bias[c];
            sums[c] = mlp.narrow_bias[c];
        }
#pragma unroll 4
        for (int j = 0; j < mlp.HIDDEN; j++) {
            float activated = gelu(mlp.wide_bias[j] + dot<C>(mlp.wide + j * C, normal));
#pragma unroll
            for (int c = 0; c < C; c++) sums[c] += activated * mlp.narrow[j * C + c];
        }
        load<C>(x + row * C, normal);
#pragma unroll
        for (int c = 0; c < C; c++) sums[c] = normal[c] + mlp.gamma[c] * sums[c];
        store<C>(sums, out + row * C);
    }
}

// Sums over rows that the gradients of the parameters are made of: of hidden x normalised (4 C, C), of activated x gradient
// (4 C, C), of hidden (4 C) and of the gradient (C), where hidden is the gradient of what goes into GELU.
template <int C> struct MlpSums {
    static const int HIDDEN = 4 * C, COUNT = 2 * HIDDEN * C + HIDDEN + C;
};

// dy, the gradient of y, from that of the result; and in partials (chunks, sums) the sums for the gradients of the
// parameters. Blocks of (32, 4), each of which takes `rows_per_block` rows.
//
// TEAM warps share the rows that their threads have computed, 16 hidden numbers at a time, and add up the products of these
// with all channels: each thread 4 x COLUMNS of one of the two matrices.
template <int C, int TEAM>
__device__ inline void mlp_backward(const Element *y, const Element *gradient, const float *parameters, Element *dy,
                                    float *partials, unsigned rows, unsigned rows_per_block, float eps) {
    const int HIDDEN = 4 * C, AT_ONCE = 16, COLUMNS = C / TEAM / 4, MEMBERS = TEAM * LANES;
    const int PITCH = C + 4, HIDDEN_PITCH = AT_ONCE + 4;
    // Of the rows that are at hand, first what goes with hidden, then what goes with activated.
    struct Shared {
        Mlp<C> mlp;
        float narrow[2][MLP_THREADS * PITCH], wide[2][MLP_THREADS * HIDDEN_PITCH];
    };
    Shared &shared = *(Shared *)shared_memory;
    Mlp<C> &mlp = shared.mlp;
    float(*narrow)[MLP_THREADS * PITCH] = shared.narrow, (*wide)[MLP_THREADS * HIDDEN_PITCH] = shared.wide;
    mlp.load(parameters);
    unsigned thread = threadIdx.y * LANES + threadIdx.x;
    unsigned member = thread % MEMBERS, team = thread / MEMBERS, matrix = member / (MEMBERS / 2);
    unsigned first_hidden = member % 4 * 4, first_column = member % (MEMBERS / 2) / 4 * COLUMNS;
    float products[HIDDEN / AT_ONCE][4][COLUMNS] = {}, sums[HIDDEN / AT_ONCE][4] = {}, of_columns[COLUMNS] = {};
    size_t begin = (size_t)blockIdx.x * rows_per_block, end = begin + rows_per_block;
    if (end > rows) end = rows;
    for (size_t base = begin; base < end; base += MLP_THREADS) {
        size_t row = base + thread;
        bool inside = row < end;
        if (!inside) row = rows - 1; // any that there is
        float normal[C], above[C], dnormal[C] = {};
        load<C>(y + row * C, normal);
        load<C>(gradient + row * C, above);
        float scale = standardise<C>(normal, eps);
#pragma unroll
        for (int c = 0; c < C; c++)
            if (!inside) above[c] = 0; // and nothing counts
        meet<TEAM>(); // nobody reads the rows before any more
        put<C>(normal, narrow[0] + thread * PITCH);
        put<C>(above, narrow[1] + thread * PITCH);
#pragma unroll
        for (int c = 0; c < C; c++) {
            normal[c] = normal[c] * mlp.norm_weight[c] + mlp.norm_bias[c];
            above[c] *= mlp.gamma[c];
        }
#pragma unroll
        for (int part = 0; part < HIDDEN / AT_ONCE; part++) {
            if (part > 0) meet<TEAM>();
#pragma unroll 1
            for (int four = 0; four < AT_ONCE; four += 4) {
                float hidden[4], activated[4];
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    int j = part * AT_ONCE + four + i;
                    Gelu at = gelu_with_slope(mlp.wide_bias[j] + dot<C>(mlp.wide + j * C, normal));
                    activated[i] = at.value;
                    hidden[i] = at.slope * dot<C>(mlp.narrow + j * C, above);
#pragma unroll
                    for (int c = 0; c < C; c++) dnormal[c] += hidden[i] * mlp.wide[j * C + c];
                }
                put<4>(hidden, wide[0] + thread * HIDDEN_PITCH + four);
                put<4>(activated, wide[1] + thread * HIDDEN_PITCH + four);
            }
            meet<TEAM>();
            const float *rows_wide = wide[matrix] + team * MEMBERS * HIDDEN_PITCH + first_hidden;
            const float *rows_narrow = narrow[matrix] + team * MEMBERS * PITCH + first_column;
#pragma unroll 4
            for (int r = 0; r < MEMBERS; r++) {
                float left[4], right[COLUMNS];
                get<4>(rows_wide + r * HIDDEN_PITCH, left);
                get<COLUMNS>(rows_narrow + r * PITCH, right);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    sums[part][i] += left[i];
#pragma unroll
                    for (int k = 0; k < COLUMNS; k++) products[part][i][k] += left[i] * right[k];
                }
                if (part == 0)
#pragma unroll
                    for (int k = 0; k < COLUMNS; k++) of_columns[k] += right[k];
            }
        }
        // Back through the normalisation.
        float along_shift = 0, along_normal = 0;
        get<C>(narrow[0] + thread * PITCH, normal);
#pragma unroll
        for (int c = 0; c < C; c++) {
            dnormal[c] *= mlp.norm_weight[c];
            along_shift += dnormal[c];
            along_normal += dnormal[c] * normal[c];
        }
#pragma unroll
        for (int c = 0; c < C; c++) dnormal[c] = scale * (dnormal[c] - along_shift / C - normal[c] * (along_normal / C));
        if (inside) store<C>(dnormal, dy + row * C);
    }
    typedef MlpSums<C> Sums;
    partials += ((size_t)blockIdx.x * (MLP_WARPS / TEAM) + team) * Sums::COUNT;
#pragma unroll
    for (int part = 0; part < HIDDEN / AT_ONCE; part++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int j = part * AT_ONCE + first_hidden + i;
#pragma unroll
            for (int k = 0; k < COLUMNS; k++)
                partials[(matrix * HIDDEN + j) * C + first_column + k] = products[part][i][k];
            if (matrix == 0 && first_column == 0) partials[2 * HIDDEN * C + j] = sums[part][i];
        }
    if (matrix == 1 && first_hidden == 0)
#pragma unroll
        for (int k = 0; k < COLUMNS; k++) partials[2 * HIDDEN * C + HIDDEN + first_column + k] = of_columns[k];
}

// The gradients of the parameters, in their order, from the sums over all rows. A thread for each.
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
