#include "sums.cuh"

// partials (chunks, channels): of x (rows, channels), the sum over each chunk of rows.
extern "C" __global__ void column_partials(const Element *x, float *partials, unsigned rows, unsigned channels,
                                           unsigned rows_per_chunk) {
    unsigned c = blockIdx.x * LANES + threadIdx.x;
    Chunk chunk = own_chunk(rows, rows_per_chunk);
    float sum = 0;
    if (c < channels)
        for (unsigned row = chunk.begin + threadIdx.y; row < chunk.end; row += ROWS)
            sum += value(x[(size_t)row * channels + c]);
    sum = sum_of_column(sum);
    if (threadIdx.y == 0 && c < channels) partials[(size_t)blockIdx.y * channels + c] = sum;
}

// sums (columns, rows): the chunks of partials (chunks, rows, columns) added up.
extern "C" __global__ void add_partials(const float *partials, float *sums, unsigned chunks, unsigned rows,
                                        unsigned columns) {
    unsigned count = rows * columns;
    unsigned i = own_row() * LANES + threadIdx.x;
    if (i >= count) return;
    float sum = 0;
    for (unsigned chunk = 0; chunk < chunks; chunk++) sum += partials[(size_t)chunk * count + i];
    sums[i % columns * rows + i / columns] = sum;
}
