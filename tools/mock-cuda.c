// The mock CUDA driver of tools/mock-cuda: it hands out addresses and accepts launches, and computes nothing.
//
// Device memory is address space of the host that is almost never touched, so a step may use more than this machine has. It reads
// as zeros, except for copies to the device of up to 64 MiB. The driver rejects what a GPU would reject: launches beyond its
// limits, memory that was freed before, and threads without a context.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef unsigned long size;
typedef unsigned uint;
enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_IMAGE = 200, INVALID_CONTEXT = 201 };
enum { PAGE = 4096, SMALL = 64 << 20 };

static long launches, products, allocations, copies, waits;
void count_product(void) { __atomic_add_fetch(&products, 1, __ATOMIC_RELAXED); }
static __attribute__((destructor)) void report(void) {
    const char *path = getenv("MOCK_CUDA_LOG");
    FILE *log = path && launches ? fopen(path, "a") : NULL;
    if (!log) return;
    fprintf(log, "launches %ld products %ld allocations %ld copies %ld waits %ld\n", launches, products, allocations, copies, waits);
    fclose(log);
}

int cuInit(uint flags) { return 0; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return index ? INVALID_VALUE : 0; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "mock"); return 0; }
int cuDeviceTotalMem_v2(size *bytes, int device) { *bytes = 80ul << 30; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    enum { MAX_THREADS = 1, PROCESSORS = 16, MAJOR = 75, MINOR = 76, POOLS = 115 };
    switch (attribute) {
    case MAX_THREADS: *value = 1024; break;
    case PROCESSORS: *value = 132; break;
    case MAJOR: *value = 8; break;
    case POOLS: *value = 1; break;
    default: *value = 0;
    }
    return 0;
}

static __thread void *current;
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &launches; return 0; }
int cuCtxSetCurrent(void *context) { current = context; return 0; }
int cuCtxGetCurrent(void **context) { *context = current; return 0; }

// The page before an allocation holds its size.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size used, high_mark, threshold;
int cuMemAllocAsync(char **address, size bytes, void *stream) {
    if (!current) return INVALID_CONTEXT;
    char *pages = mmap(NULL, PAGE + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return OUT_OF_MEMORY;
    *(size *)pages = bytes;
    *address = pages + PAGE;
    pthread_mutex_lock(&lock);
    allocations++;
    used += bytes;
    if (used > high_mark) high_mark = used;
    pthread_mutex_unlock(&lock);
    return 0;
}
int cuMemFreeAsync(char *address, void *stream) {
    size bytes = *(size *)(address - PAGE); // crashes on a double free
    pthread_mutex_lock(&lock);
    used -= bytes;
    pthread_mutex_unlock(&lock);
    munmap(address - PAGE, PAGE + bytes);
    return current ? 0 : INVALID_CONTEXT;
}
int cuMemAlloc_v2(char **address, size bytes) { return cuMemAllocAsync(address, bytes, NULL); }
int cuMemFree_v2(char *address) { return cuMemFreeAsync(address, NULL); }
int cuMemHostAlloc(void **memory, size bytes, uint flags) { *memory = malloc(bytes); return *memory ? 0 : OUT_OF_MEMORY; }
int cuMemFreeHost(void *memory) { free(memory); return 0; }
int cuDeviceGetDefaultMemPool(void **pool, int device) { *pool = &used; return 0; }
int cuMemPoolSetAttribute(void *pool, int attribute, size *value) {
    if (attribute == 8) high_mark = used; else threshold = *value;
    return 0;
}
int cuMemPoolGetAttribute(void *pool, int attribute, size *value) {
    *value = attribute == 8 ? high_mark : threshold;
    return 0;
}

static int copy(void *to, const void *from, size bytes, size most) {
    __atomic_add_fetch(&copies, 1, __ATOMIC_RELAXED);
    if (bytes <= most) memcpy(to, from, bytes);
    return current ? 0 : INVALID_CONTEXT;
}
int cuMemcpyHtoDAsync_v2(void *to, const void *from, size bytes, void *stream) { return copy(to, from, bytes, SMALL); }
int cuMemcpyDtoHAsync_v2(void *to, const void *from, size bytes, void *stream) { return copy(to, from, bytes, bytes); }
int cuMemcpyDtoDAsync_v2(void *to, const void *from, size bytes, void *stream) { return copy(to, from, bytes, 0); }
int cuMemsetD8Async(void *to, unsigned char value, size bytes, void *stream) { return current ? 0 : INVALID_CONTEXT; }

static int wait(void) { __atomic_add_fetch(&waits, 1, __ATOMIC_RELAXED); return current ? 0 : INVALID_CONTEXT; }
int cuCtxSynchronize(void) { return wait(); }
int cuStreamCreate(void **stream, uint flags) { *stream = malloc(1); return 0; }
int cuStreamDestroy_v2(void *stream) { free(stream); return 0; }
int cuStreamSynchronize(void *stream) { return wait(); }
int cuStreamIsCapturing(void *stream, int *capturing) { *capturing = 0; return 0; }
int cuEventCreate(void **event, uint flags) { *event = malloc(1); return 0; }
int cuEventDestroy_v2(void *event) { free(event); return 0; }
int cuEventSynchronize(void *event) { return wait(); }

int cuModuleLoadData(void **module, const char *image) {
    *module = &launches;
    int text = !memcmp(image, "//", 2), machine_code = !memcmp(image, "\177ELF", 4);
    return text || machine_code ? 0 : INVALID_IMAGE;
}

// A kernel, and the shared memory in bytes that a launch of it may request.
enum { SHARED = 48 << 10, SHARED_ON_REQUEST = 227 << 10, MAX_DYNAMIC_SHARED_SIZE_BYTES = 8 };
typedef struct kernel {
    struct kernel *next;
    uint shared;
    char name[];
} kernel;
int cuModuleGetFunction(kernel **found, void *module, const char *name) {
    static kernel *all;
    pthread_mutex_lock(&lock);
    for (*found = all; *found && strcmp((*found)->name, name);) *found = (*found)->next;
    if (!*found) {
        *found = malloc(sizeof(kernel) + strlen(name) + 1);
        **found = (kernel){all, SHARED};
        strcpy((*found)->name, name);
        all = *found;
    }
    pthread_mutex_unlock(&lock);
    return 0;
}
int cuFuncSetAttribute(kernel *kernel, int attribute, int value) {
    if (attribute != MAX_DYNAMIC_SHARED_SIZE_BYTES) return 0;
    if (value < 0 || value > SHARED_ON_REQUEST) return INVALID_VALUE;
    kernel->shared = value;
    return 0;
}
int cuLaunchKernel(kernel *kernel, uint x, uint y, uint z, uint tx, uint ty, uint tz, uint shared, void *stream, void **arguments, void **extra) {
    __atomic_add_fetch(&launches, 1, __ATOMIC_RELAXED);
    int fits = x && y && z && tx && ty && tz && x < 1u << 31 && y < 1 << 16 && z < 1 << 16;
    if (fits && tx * ty * tz <= 1024 && tz <= 64 && shared <= kernel->shared) return current ? 0 : INVALID_CONTEXT;
    const char *refused = "%s: no GPU can launch a grid of (%u, %u, %u) blocks of (%u, %u, %u) threads with %u bytes of shared memory\n";
    fprintf(stderr, refused, kernel->name, x, y, z, tx, ty, tz, shared);
    return INVALID_VALUE;
}
