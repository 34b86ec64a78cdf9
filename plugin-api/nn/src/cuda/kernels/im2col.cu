// im2col: the windows of a convolution on x (B, T, H, W, C) as rows of a matrix (B T' H' W', kt kh kw C); and col2im,
// its transpose.
#include "copy.cuh"

// Axes are time, height and width.
struct Window {
    unsigned size[3], outputs[3], kernel[3], stride[3], padding[3], channels;
};

// The position (sample, time, height, width) with the index `number`.
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

// The source of a few neighbouring elements of a row: their offset from the first element of the window, and their tap.
struct Place {
    int offset;
    unsigned char tap[4]; // time, height, width
};
const unsigned MOST_PLACES = 2048, ROWS_OF_BLOCK = 64;

// Copies N neighbouring activations, or zeros if these are not inside the field.
template <int N> __device__ inline void copy(const Element *from, Element *to, bool inside) {
    typedef typename Elements<N>::Word Word;
    Word word;
#pragma unroll
    for (int i = 0; i < N; i++) word.at[i] = element(0);
    if (inside) word = *(const Word *)from;
    *(Word *)to = word;
}

template <int N>
__device__ inline void im2col_by(const Element *x, Element *patches, unsigned rows, const Window &window, Place *places) {
    unsigned channels = window.channels / N, length = window.kernel[0] * window.kernel[1] * window.kernel[2] * channels;
    for (unsigned first = 0; first < length; first += MOST_PLACES) {
        unsigned count = length - first < MOST_PLACES ? length - first : MOST_PLACES;
        __syncthreads();
        for (unsigned i = threadIdx.y * LANES + threadIdx.x; i < count; i += ROWS * LANES) {
            Position tap = position((first + i) / channels, window.kernel);
            int at = (tap.at[0] * window.size[1] + tap.at[1]) * window.size[2] + tap.at[2];
            places[i] = {(int)(at * window.channels + (first + i) % channels * N),
                         {(unsigned char)tap.at[0], (unsigned char)tap.at[1], (unsigned char)tap.at[2], 0}};
        }
        __syncthreads();
        for (unsigned own = threadIdx.y; own < ROWS_OF_BLOCK; own += ROWS) {
            unsigned row = blockIdx.x * ROWS_OF_BLOCK + own;
            if (row >= rows) break;
            Position to = position(row, window.outputs);
            // The first tap of the window, which may lie outside the field.
            int start[3];
            ptrdiff_t from = to.sample;
            for (int axis = 0; axis < 3; axis++) {
                start[axis] = to.at[axis] * window.stride[axis] - window.padding[axis];
                from = from * window.size[axis] + start[axis];
            }
            from *= window.channels;
            Element *patch = patches + ((size_t)row * length + first) * N;
            for (unsigned i = threadIdx.x; i < count; i += LANES) {
                Place place = places[i];
                bool inside = true;
                for (int axis = 0; axis < 3; axis++)
                    inside &= (unsigned)(start[axis] + place.tap[axis]) < window.size[axis];
                copy<N>(x + from + place.offset, patch + i * N, inside);
            }
        }
    }
}

// A block writes 64 rows. The offsets of their elements are the same for all rows, so they are computed once, in shared
// memory.
extern "C" __global__ void im2col(const Element *x, Element *patches, unsigned rows, Window window) {
    __shared__ Place places[MOST_PLACES];
    if (in_packs(x, window.channels))
        im2col_by<COPIED>(x, patches, rows, window, places);
    else
        im2col_by<1>(x, patches, rows, window, places);
}

// The transpose: every element of x is the sum of the matrix elements that im2col copies from it, in the order of the
// taps.
extern "C" __global__ void col2im(const Element *patches, Element *x, unsigned rows, Window window) {
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

// col2im for windows that touch without overlapping: im2col reads every element once or never. A block copies one line
// of x; the part of it that belongs to one window is contiguous in the matrix, too.
template <int N> __device__ inline void col2im_disjoint_by(const Element *patches, Element *x, const Window &window) {
    const unsigned lines[3] = {window.size[0], window.size[1], 1};
    Position from = position(blockIdx.x, lines);
    unsigned t = from.at[0] / window.stride[0], h = from.at[1] / window.stride[1];
    unsigned piece = window.kernel[2] * window.channels, length = window.size[2] * window.channels;
    bool reached = t < window.outputs[0] && h < window.outputs[1];
    // The piece of the first window on this line, and the distance between windows.
    unsigned tap = from.at[0] % window.stride[0] * window.kernel[1] + from.at[1] % window.stride[1];
    size_t patch = ((size_t)from.sample * window.outputs[0] + t) * window.outputs[1] + h;
    size_t apart = (size_t)window.kernel[0] * window.kernel[1] * piece;
    patches += patch * window.outputs[2] * apart + (size_t)tap * piece;
    x += (size_t)blockIdx.x * length;
    for (unsigned i = (threadIdx.y * LANES + threadIdx.x) * N; i < length; i += ROWS * LANES * N) {
        unsigned w = i / piece;
        copy<N>(patches + w * apart + (i - w * piece), x + i, reached && w < window.outputs[2]);
    }
}

extern "C" __global__ void col2im_disjoint(const Element *patches, Element *x, Window window) {
    if (in_packs(patches, window.channels))
        col2im_disjoint_by<COPIED>(patches, x, window);
    else
        col2im_disjoint_by<1>(patches, x, window);
}
