// Asynchronous copies from global to shared memory, which overlap with arithmetic.
#pragma once
#include "element.cuh"

// Activations per copy, where alignment allows it.
const int COPIED = 4;

// Whether rows of `channels` channels can be copied COPIED activations at a time.
__device__ inline bool in_packs(const Element *x, unsigned channels) {
    return channels % COPIED == 0 && (size_t)x % (COPIED * sizeof(Element)) == 0;
}

// Starts to copy N neighbouring activations. If not `inside`, writes zeros and does not read `from`.
template <int N> __device__ inline void begin_copy(Element *to, const Element *from, bool inside) {
    const unsigned BYTES = N * sizeof(Element);
#ifdef __CUDACC__
    if constexpr (BYTES >= 4) {
        unsigned shared = __cvta_generic_to_shared(to);
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(from), "n"(BYTES),
                     "r"(inside ? BYTES : 0)
                     : "memory");
    } else // too few bytes for an asynchronous copy
#endif
#pragma unroll
        for (int i = 0; i < N; i++) to[i] = inside ? from[i] : element(0);
}

// The same for one activation, converted to float. bf16 is copied synchronously.
__device__ inline void begin_float(float *to, const Element *from, bool inside) {
#ifdef BF16
    *to = inside ? value(*from) : 0;
#else
    begin_copy<1>(to, from, inside);
#endif
}

// Waits for this thread's copies. Copies of other threads are complete only after a barrier.
__device__ inline void await_copies() {
#ifdef __CUDACC__
    asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}
