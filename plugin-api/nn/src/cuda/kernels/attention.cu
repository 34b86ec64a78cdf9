// The parts of attention between its matrix products: reordering of rows, and the softmax of scores with its gradient.
#include "sums.cuh"

// y (sizes, length): the rows of x, permuted: the row of x at index (i, j, k, l) is the dot product with `strides`, in
// rows. One warp per row.
struct Order {
    unsigned sizes[4], strides[4];
};
extern "C" __global__ void reorder_rows(const Element *x, Element *y, unsigned rows, unsigned length, Order order) {
    unsigned row = own_row();
    if (row >= rows) return;
    unsigned rest = row;
    size_t from = 0;
    for (int axis = 3; axis >= 0; axis--) {
        from += (size_t)(rest % order.sizes[axis]) * order.strides[axis];
        rest /= order.sizes[axis];
    }
    for (unsigned i = threadIdx.x; i < length; i += LANES) y[(size_t)row * length + i] = x[from * length + i];
}

__device__ inline float largest_of_warp(float own) {
    for (int distance = 16; distance > 0; distance /= 2) own = fmaxf(own, __shfl_xor_sync(0xffffffffu, own, distance));
    return own;
}

__device__ inline float score_at(const Element *scores, const float *bias, size_t row, unsigned bias_row, unsigned columns,
                                 unsigned i, float scale) {
    float score = scale * value(scores[row * columns + i]);
    return bias ? score + bias[(size_t)bias_row * columns + i] : score;
}

// The softmax of each row of scale * scores (rows, columns) + bias (bias_rows, columns); the rows of the bias repeat,
// and it may be null. One warp per row.
extern "C" __global__ void softmax_rows(const Element *scores, const float *bias, Element *y, unsigned rows,
                                        unsigned columns, unsigned bias_rows, float scale) {
    unsigned row = own_row();
    if (row >= rows) return;
    unsigned bias_row = row % bias_rows;
    float largest = -INFINITY, sum = 0;
    for (unsigned i = threadIdx.x; i < columns; i += LANES)
        largest = fmaxf(largest, score_at(scores, bias, row, bias_row, columns, i, scale));
    largest = largest_of_warp(largest);
    for (unsigned i = threadIdx.x; i < columns; i += LANES)
        sum += expf(score_at(scores, bias, row, bias_row, columns, i, scale) - largest);
    float share = 1.0f / sum_of_warp(sum);
    for (unsigned i = threadIdx.x; i < columns; i += LANES)
        y[(size_t)row * columns + i] =
            element(share * expf(score_at(scores, bias, row, bias_row, columns, i, scale) - largest));
}

// The gradient of the scores, from the softmax y and its gradient.
extern "C" __global__ void softmax_rows_backward(const Element *y, const Element *dy, Element *dscores, unsigned rows,
                                                 unsigned columns, float scale) {
    unsigned row = own_row();
    if (row >= rows) return;
    size_t first = (size_t)row * columns;
    float along = 0;
    for (unsigned i = threadIdx.x; i < columns; i += LANES) along += value(y[first + i]) * value(dy[first + i]);
    along = sum_of_warp(along);
    for (unsigned i = threadIdx.x; i < columns; i += LANES)
        dscores[first + i] = element(scale * value(y[first + i]) * (value(dy[first + i]) - along));
}
