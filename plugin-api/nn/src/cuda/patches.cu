// Patches of a field x (B, T, H, W, C) as rows of a matrix (B T' H' W', kt kh kw C), and back.
#include "element.cuh"

// Axes are time, height and width.
struct Window {
    unsigned size[3], outputs[3], kernel[3], stride[3], padding[3], channels;
};

// A position (sample, time, height, width) from its number.
struct Position {
    unsigned at[3], sample;
};
__device__ inline Position position(unsigned number, const unsigned size[3]) {
    Position p;
    for (int axis = 2; axis >= 0; axis--) {
        p.at[axis] = number % size[axis];
        number /= size[axis];
    }
    p.sample = number;
    return p;
}

// Where an element of a patch lies in the field: how far behind the element that the patch begins with, and at which tap.
struct Place {
    int offset;
    unsigned char tap[4]; // time, height, width
};
const unsigned MOST_PLACES = 2048, ROWS_OF_BLOCK = 64;

// A block gathers 64 rows; where their elements come from is the same for all, and is looked up.
extern "C" __global__ void gather_patches(const Element *x, Element *patches, unsigned rows, Window window) {
    __shared__ Place places[MOST_PLACES];
    unsigned length = window.kernel[0] * window.kernel[1] * window.kernel[2] * window.channels;
    for (unsigned first = 0; first < length; first += MOST_PLACES) {
        unsigned count = length - first < MOST_PLACES ? length - first : MOST_PLACES;
        __syncthreads();
        for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < count; i += ROWS * LANES) {
            Position tap = position((first + i) / window.channels, window.kernel);
            int at = (tap.at[0] * window.size[1] + tap.at[1]) * window.size[2] + tap.at[2];
            places[i] = {(int)(at * window.channels + (first + i) % window.channels),
                         {(unsigned char)tap.at[0], (unsigned char)tap.at[1], (unsigned char)tap.at[2], 0}};
        }
        __syncthreads();
        for (unsigned own = threadIdx.y; own < ROWS_OF_BLOCK; own += ROWS) {
            unsigned row = blockIdx.x * ROWS_OF_BLOCK + own;
            if (row >= rows) break;
            Position to = position(row, window.outputs);
            // The patch's first tap, which may be outside.
            int start[3];
            ptrdiff_t from = to.sample;
            for (int axis = 0; axis < 3; axis++) {
                start[axis] = to.at[axis] * window.stride[axis] - window.padding[axis];
                from = from * window.size[axis] + start[axis];
            }
            from *= window.channels;
            Element *patch = patches + (size_t)row * length + first;
            for (unsigned i = threadIdx.x; i < count; i += LANES) {
                Place place = places[i];
                bool inside = true;
                for (int axis = 0; axis < 3; axis++)
                    inside &= (unsigned)(start[axis] + place.tap[axis]) < window.size[axis];
                patch[i] = inside ? x[from + place.offset] : element(0);
            }
        }
    }
}

// The transpose: every element of x is the sum of the patches' elements that were read from it, in order of the taps.
extern "C" __global__ void scatter_patches(const Element *patches, Element *x, unsigned rows, Window window) {
    unsigned row = own_row();
    if (row >= rows) return;
    Position from = position(row, window.size);
    unsigned taps = window.kernel[0] * window.kernel[1] * window.kernel[2];
    for (unsigned c = threadIdx.x; c < window.channels; c += LANES) {
        float sum = 0;
        for (unsigned i = 0; i < taps; i++) {
            Position tap = position(i, window.kernel);
            size_t to = from.sample;
            bool reached = true;
            for (int axis = 0; axis < 3; axis++) {
                unsigned distance = from.at[axis] + window.padding[axis] - tap.at[axis];
                unsigned output = distance / window.stride[axis];
                reached &= from.at[axis] + window.padding[axis] >= tap.at[axis];
                reached &= distance % window.stride[axis] == 0 && output < window.outputs[axis];
                to = to * window.outputs[axis] + output;
            }
            if (reached) sum += value(patches[(to * taps + i) * window.channels + c]);
        }
        x[(size_t)row * window.channels + c] = element(sum);
    }
}

// The same for patches that touch and do not overlap: every element was read once, or not at all. A thread for each.
extern "C" __global__ void place_patches(const Element *patches, Element *x, unsigned rows, Window window) {
    size_t i = ((size_t)own_row()) * LANES + threadIdx.x;
    unsigned row = i / window.channels, c = i % window.channels;
    if (row >= rows) return;
    Position from = position(row, window.size);
    size_t to = from.sample, tap = 0;
    bool reached = true;
    for (int axis = 0; axis < 3; axis++) {
        unsigned output = from.at[axis] / window.stride[axis];
        reached &= output < window.outputs[axis];
        to = to * window.outputs[axis] + output;
        tap = tap * window.kernel[axis] + from.at[axis] % window.stride[axis];
    }
    unsigned taps = window.kernel[0] * window.kernel[1] * window.kernel[2];
    x[i] = reached ? patches[(to * taps + tap) * window.channels + c] : element(0);
}
