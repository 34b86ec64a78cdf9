// Runs kernels on the CPU, block after block. The build appends `call_kernel`, which calls a kernel by name.
#include "cuda_bf16.h"
#include "kernels.cu"
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

dim3 blockIdx, threadIdx;
float4 shared_memory[227 * 1024 / sizeof(float4)]; // the most that a block may have

namespace {
enum State { READY, AT_WARP, AT_BLOCK, DONE };

struct Fiber {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(64 * 1024);
    dim3 index;
    State state;
};

ucontext_t scheduler;
std::vector<Fiber> fibers;
size_t current;
float exchanged[1024];
void (*body)(const char *, void **);
const char *name;
void **arguments;

void wait(State state) {
    Fiber &fiber = fibers[current];
    fiber.state = state;
    swapcontext(&fiber.context, &scheduler);
    threadIdx = fiber.index;
}

void enter() {
    body(name, arguments);
    fibers[current].state = DONE;
}

// Resumes the threads of each group whose threads all wait in this state. Returns whether there are any.
bool release(State state, size_t group) {
    bool any = false;
    for (size_t first = 0; first < fibers.size(); first += group) {
        size_t waiting = 0;
        for (size_t i = first; i < first + group; i++) waiting += fibers[i].state == state;
        if (waiting != group) continue;
        for (size_t i = first; i < first + group; i++) fibers[i].state = READY;
        any = true;
    }
    return any;
}

// False if some threads wait at a barrier that others never reach.
bool run_block() {
    for (Fiber &fiber : fibers) {
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, enter, 0);
        fiber.state = READY;
    }
    for (;;) {
        for (current = 0; current < fibers.size(); current++)
            if (fibers[current].state == READY) {
                threadIdx = fibers[current].index;
                swapcontext(&scheduler, &fibers[current].context);
            }
        bool done = true;
        for (Fiber &fiber : fibers) done &= fiber.state == DONE;
        if (done) return true;
        if (!release(AT_WARP, 32) && !release(AT_BLOCK, fibers.size())) return false;
    }
}

template <class... A, size_t... I>
void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    kernel(*(A *)arguments[I]...);
}
template <class... A> void call(void (*kernel)(A...), void **arguments) {
    call(kernel, arguments, std::index_sequence_for<A...>());
}
} // namespace

void __syncthreads() { wait(AT_BLOCK); }
void __syncwarp() { wait(AT_WARP); }

float __shfl_xor_sync(unsigned, float value, int lanes) {
    size_t own = current;
    exchanged[own] = value;
    wait(AT_WARP);
    float other = exchanged[own ^ lanes];
    wait(AT_WARP);
    return other;
}

// As tensor cores compute it, with 10 bits of the mantissas of the factors. The layout of `a` is that of mma.cuh.
void multiply_rounded(float d[4], const float a[4], const float b[2]) {
    static float left[1024][4], right[1024][2];
    size_t own = current, warp = own / 32 * 32, lane = own % 32;
    for (int i = 0; i < 4; i++) left[own][i] = upper_bits(a[i]);
    for (int i = 0; i < 2; i++) right[own][i] = upper_bits(b[i]);
    wait(AT_WARP);
    for (size_t i = 0; i < 4; i++) {
        size_t row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        for (size_t k = 0; k < 8; k++)
            d[i] += left[warp + row % 8 * 4 + k / 2][row / 8 * 2 + k % 2] * right[warp + column * 4 + k / 2][k % 2];
    }
    wait(AT_WARP);
}

static void call_kernel(const char *name, void **arguments);

// Returns 0, or 1 if not all threads of a block reached the same barrier.
extern "C" int emulate(const char *kernel, const unsigned *grid, const unsigned *block, void **kernel_arguments) {
    body = call_kernel;
    name = kernel;
    arguments = kernel_arguments;
    fibers.resize((size_t)block[0] * block[1] * block[2]);
    for (size_t i = 0; i < fibers.size(); i++)
        fibers[i].index = {(unsigned)i % block[0], (unsigned)i / block[0] % block[1],
                           (unsigned)i / block[0] / block[1]};
    for (blockIdx.z = 0; blockIdx.z < grid[2]; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid[1]; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid[0]; blockIdx.x++)
                if (!run_block()) return 1;
    return 0;
}
