// Transposition of a batch of matrices, tile by tile.
#include "element.cuh"

// Elements of a tile; `AREA` in plans/swap_axes.rs.
const unsigned SWAP_AREA = 4096;

struct Tiles {
    // Sizes of each matrix and of a tile of it. The rows of a tile are `stride` elements apart in shared memory.
    unsigned rows, columns, tile_rows, tile_columns, stride;
};

__device__ inline unsigned at_most(unsigned most, unsigned count) { return count < most ? count : most; }

// x (.., rows, columns) to y (.., columns, rows), one block per tile. Threads read a tile along the rows of x and write
// it along the rows of y, so that both accesses are coalesced; `stride` is odd, so that the elements of a column fall
// into different banks.
extern "C" __global__ void swap_axes(const Element *x, Element *y, Tiles tiles) {
    __shared__ Element tile[2 * SWAP_AREA];
    unsigned across = (tiles.columns + tiles.tile_columns - 1) / tiles.tile_columns;
    unsigned down = (tiles.rows + tiles.tile_rows - 1) / tiles.tile_rows;
    unsigned first_row = blockIdx.x / across % down * tiles.tile_rows;
    unsigned first_column = blockIdx.x % across * tiles.tile_columns;
    unsigned rows = at_most(tiles.tile_rows, tiles.rows - first_row);
    unsigned columns = at_most(tiles.tile_columns, tiles.columns - first_column);
    size_t matrix = (size_t)(blockIdx.x / across / down) * tiles.rows * tiles.columns;
    unsigned thread = threadIdx.y * LANES + threadIdx.x;
    for (unsigned i = thread; i < rows * columns; i += ROWS * LANES) {
        unsigned row = i / columns, column = i % columns;
        tile[row * tiles.stride + column] = x[matrix + (size_t)(first_row + row) * tiles.columns + first_column + column];
    }
    __syncthreads();
    for (unsigned i = thread; i < rows * columns; i += ROWS * LANES) {
        unsigned row = i % rows, column = i / rows;
        y[matrix + (size_t)(first_column + column) * tiles.rows + first_row + row] = tile[row * tiles.stride + column];
    }
}
