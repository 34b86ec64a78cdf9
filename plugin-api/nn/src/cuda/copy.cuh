// Copies from global to shared memory that go on behind the arithmetic.
#pragma once
#include "element.cuh"

// Activations of one copy, where the field allows it.
const int COPIED = 4;

// Whether rows of so many channels can be copied COPIED activations at once.
__device__ inline bool in_packs(const Element *x, unsigned channels) {
    return channels % COPIED == 0 && (size_t)x % (COPIED * sizeof(Element)) == 0;
}

// Begins to copy N neighbouring activations, or zeros if these are not inside the field; then `from` is not read.
template <int N> __device__ inline void begin_copy(Element *to, const Element *from, bool inside) {
    const unsigned BYTES = N * sizeof(Element);
#ifdef __CUDACC__
    if constexpr (BYTES >= 4) {
        unsigned shared = __cvta_generic_to_shared(to);
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(from), "n"(BYTES),
                     "r"(inside ? BYTES : 0)
                     : "memory");
    } else // what the hardware does not copy by itself
#endif
#pragma unroll
        for (int i = 0; i < N; i++) to[i] = inside ? from[i] : element(0);
}

// The same for one activation, which becomes a float. As bf16 it is read and written at once.
__device__ inline void begin_float(float *to, const Element *from, bool inside) {
#ifdef BF16
    *to = inside ? value(*from) : 0;
#else
    begin_copy<1>(to, from, inside);
#endif
}

// Waits for this thread's copies. Only a barrier behind it tells of those of other threads.
__device__ inline void await_copies() {
#ifdef __CUDACC__
    asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}
