// Rows of a matrix in another order.
#include "element.cuh"

// y (rows, channels): row `order[row]` of x, or zeros where that is negative. A warp for every row.
extern "C" __global__ void select_rows(const Element *x, const float *order, Element *y, unsigned rows, unsigned channels) {
    unsigned row = own_row();
    if (row >= rows) return;
    float from = order[row];
    for (unsigned c = threadIdx.x; c < channels; c += LANES)
        y[(size_t)row * channels + c] = from < 0 ? element(0) : x[(size_t)from * channels + c];
}
