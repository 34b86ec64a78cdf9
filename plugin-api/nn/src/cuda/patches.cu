// Patches of a field x (B, T, H, W, C) as rows of a matrix (B T' H' W', kt kh kw C), and back.
#include "element.cuh"

// Axes are time, height and width.
struct Window {
    unsigned size[3], outputs[3], kernel[3], stride[3], padding[3], channels;
};

// Where along an axis the tap `tap` of output `at` reads; out of bounds where it reads a zero.
__device__ inline unsigned read_at(const Window &window, int axis, unsigned at, unsigned tap) {
    return at * window.stride[axis] + tap - window.padding[axis];
}

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

extern "C" __global__ void gather_patches(const Element *x, Element *patches, unsigned rows, Window window) {
    unsigned row = own_row();
    if (row >= rows) return;
    Position to = position(row, window.outputs);
    unsigned length = window.kernel[0] * window.kernel[1] * window.kernel[2] * window.channels;
    for (unsigned i = threadIdx.x; i < length; i += LANES) {
        Position tap = position(i / window.channels, window.kernel);
        size_t from = to.sample;
        bool inside = true;
        for (int axis = 0; axis < 3; axis++) {
            unsigned at = read_at(window, axis, to.at[axis], tap.at[axis]);
            inside &= at < window.size[axis];
            from = from * window.size[axis] + at;
        }
        patches[(size_t)row * length + i] = inside ? x[from * window.channels + i % window.channels] : element(0);
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
