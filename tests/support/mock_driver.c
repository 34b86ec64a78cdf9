// A mock CUDA driver with two GPUs, whose memory is the host's. CODE is what cuInit returns.
//
// It is as lazy as a driver may be: it makes a copy only when a thread waits for a later event. A copy whose source has changed by
// then is counted as torn.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long size;
enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, ILLEGAL_ADDRESS = 700 };

int cuInit(unsigned flags) { return CODE; }
int cuDriverGetVersion(int *version) { *version = 13020; return 0; }
// Which GPU has this index among those that CUDA_VISIBLE_DEVICES names, such as "1" or "1,0"; without it there are both.
static int visible(int index) {
    const char *names = getenv("CUDA_VISIBLE_DEVICES");
    if (!names) return index < 2 ? index : -1;
    for (int place = 0; *names >= '0' && *names <= '1'; place++, names += names[1] == ',' ? 2 : 1)
        if (place == index) return *names - '0';
    return -1;
}
int cuDeviceGetCount(int *count) {
    for (*count = 0; visible(*count) >= 0;) ++*count;
    return *count ? 0 : 100;
}
int cuDeviceGet(int *device, int index) { *device = 40 + visible(index); return visible(index) < 0 ? 101 : 0; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "Mock %d", device); return 0; }
int cuDeviceTotalMem_v2(size *bytes, int device) { *bytes = 80ul << 30; return 0; }

// All other functions need a thread with the context of a GPU.
static __thread void *current;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// BROKEN is a GPU that has fallen off the bus.
#ifndef BROKEN
#define BROKEN -1
#endif
int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = (void *)(long)device;
    return device == 40 + BROKEN ? 719 : 0;
}
int cuCtxSetCurrent(void *context) { current = context; return 0; }
// FAULT is the error of a kernel, reported when a thread waits for the GPU.
#ifndef FAULT
#define FAULT 0
#endif
int cuCtxSynchronize(void) { return !current ? INVALID_CONTEXT : FAULT; }

// Memory: LIMIT bytes of pinned host memory, and DEVICE_LIMIT bytes of device memory; no byte of it is zero at first.
#ifndef LIMIT
#define LIMIT (1ul << 20)
#endif
#ifndef DEVICE_LIMIT
#define DEVICE_LIMIT LIMIT
#endif
size held, held_on_device;

static int take(void **memory, size bytes, size *held, size limit) {
    pthread_mutex_lock(&lock);
    int fits = *held + bytes <= limit;
    if (fits) *held += bytes;
    pthread_mutex_unlock(&lock);
    if (!fits) return OUT_OF_MEMORY;
    size *block = malloc(sizeof bytes + bytes);
    *block = bytes;
    *memory = memset(block + 1, 0xff, bytes);
    return 0;
}

static int give_back(void *memory, size *held) {
    size *block = (size *)memory - 1;
    pthread_mutex_lock(&lock);
    *held -= *block;
    pthread_mutex_unlock(&lock);
    free(block);
    return 0;
}

int cuMemHostAlloc(void **memory, size bytes, unsigned flags) {
    return !current || flags != 1 ? INVALID_CONTEXT : take(memory, bytes, &held, LIMIT);
}
int cuMemFreeHost(void *memory) { return !current ? INVALID_CONTEXT : give_back(memory, &held); }
// Copies, in order; those after the first COPIES fail, as after a fault of a kernel.
#ifndef COPIES
#define COPIES (1 << 16)
#endif
static struct copy { void *to; const void *from; size bytes, sum; } copies[COPIES];
static size asked, made;
size torn;

static size sum(const struct copy *copy) {
    const unsigned char *bytes = copy->from;
    size sum = 0;
    for (size i = 0; i < copy->bytes; i++) sum = sum * 31 + bytes[i];
    return sum;
}

int cuStreamCreate(void **stream, unsigned flags) { *stream = &copies; return flags == 1 ? 0 : INVALID_VALUE; }
int cuStreamDestroy_v2(void *stream) { return stream == &copies ? 0 : INVALID_VALUE; }

// The one pool of device memory.
static size pool, high_mark;
size threshold;
int cuDeviceGetDefaultMemPool(size **all, int device) { *all = &pool; return 0; }
static size *attribute(void *of, int number) {
    return of != &pool ? NULL : number == 4 ? &threshold : number == 8 ? &high_mark : NULL;
}
int cuMemPoolSetAttribute(void *of, int number, size *value) {
    size *place = attribute(of, number);
    if (!current || !place || (place == &high_mark && *value)) return INVALID_VALUE;
    *place = place == &high_mark ? held_on_device : *value;
    return 0;
}
int cuMemPoolGetAttribute(void *of, int number, size *value) {
    size *place = attribute(of, number);
    if (!current || !place) return INVALID_VALUE;
    *value = *place;
    return 0;
}

int cuMemAllocAsync(void **address, size bytes, void *stream) {
    if (!current || stream != &copies) return INVALID_VALUE;
    int code = take(address, bytes, &held_on_device, DEVICE_LIMIT);
    if (held_on_device > high_mark) high_mark = held_on_device;
    return code;
}
int cuMemFreeAsync(void *address, void *stream) {
    return !current || stream != &copies ? INVALID_VALUE : give_back(address, &held_on_device);
}

int cuMemcpyHtoDAsync_v2(size to, const void *from, size bytes, void *stream) {
    if (!current || stream != &copies) return INVALID_VALUE;
    if (asked == COPIES) return ILLEGAL_ADDRESS;
    struct copy copy = { (void *)to, from, bytes, 0 };
    copy.sum = sum(&copy);
    pthread_mutex_lock(&lock);
    copies[asked++] = copy;
    pthread_mutex_unlock(&lock);
    return 0;
}

int cuEventCreate(size **event, unsigned flags) {
    *event = calloc(1, sizeof **event);
    return flags == 2 ? 0 : INVALID_VALUE;
}
int cuEventDestroy_v2(size *event) { free(event); return 0; }
int cuEventRecord(size *event, void *stream) { *event = asked; return stream == &copies ? 0 : INVALID_VALUE; }
int cuEventSynchronize(size *event) {
    pthread_mutex_lock(&lock);
    for (; made < *event; made++) {
        const struct copy *copy = &copies[made];
        torn += sum(copy) != copy->sum;
        memcpy(copy->to, copy->from, copy->bytes);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}
