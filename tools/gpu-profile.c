// Profiles the GPU: time by kernel, and the fraction of the time in which no kernel or copy runs.
//
// A library that the CUDA driver loads into a process: CUDA_INJECTION64_PATH=libgpu_profile.so GPU_PROFILE=report command.
// It records every kernel, copy and memset with CUPTI and writes the report when the process ends, to GPU_PROFILE.PID. The
// report covers the second half of the records, which leaves warm-up out. Needs libcupti.so.13; costs a few microseconds per
// launch, so idle time is an upper bound.
//
// Build: cc -O2 -shared -fPIC -I$CUDA_HOME/include -o libgpu_profile.so tools/gpu-profile.c -L$CUDA_HOME/lib -l:libcupti.so.13

#include <cupti.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    uint64_t start, end;
    unsigned name, grid, block, registers;
} Record;

enum { BUFFER = 8 << 20, MOST_NAMES = 4096, MOST_RECORDS = 8 << 20 };
static Record *records;
static size_t count;
static char *names[MOST_NAMES];
static unsigned name_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned name_number(const char *name) {
    for (unsigned i = 0; i < name_count; i++)
        if (!strcmp(names[i], name)) return i;
    if (name_count == MOST_NAMES) return MOST_NAMES - 1;
    names[name_count] = strdup(name);
    return name_count++;
}

static void add(const char *name, uint64_t start, uint64_t end, unsigned grid, unsigned block, unsigned registers) {
    if (count == MOST_RECORDS || !end) return;
    records[count++] = (Record){start, end, name_number(name), grid, block, registers};
}

static void buffer_requested(uint8_t **buffer, size_t *size, size_t *most) {
    *size = BUFFER;
    *buffer = aligned_alloc(8, BUFFER);
    *most = 0;
}

static void buffer_completed(CUcontext context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid) {
    CUpti_Activity *activity = NULL;
    pthread_mutex_lock(&lock);
    while (cuptiActivityGetNextRecord(buffer, valid, &activity) == CUPTI_SUCCESS) {
        if (activity->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
            CUpti_ActivityKernel10 *k = (CUpti_ActivityKernel10 *)activity;
            add(k->name, k->start, k->end, k->gridX * k->gridY * k->gridZ, k->blockX * k->blockY * k->blockZ,
                k->registersPerThread);
        } else if (activity->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
            static const char *kinds[] = {"copy", "copy to the GPU", "copy to the host"};
            CUpti_ActivityMemcpy6 *c = (CUpti_ActivityMemcpy6 *)activity;
            add(kinds[c->copyKind <= 2 ? c->copyKind : 0], c->start, c->end, 0, 0, 0);
        } else if (activity->kind == CUPTI_ACTIVITY_KIND_MEMSET) {
            CUpti_ActivityMemset4 *m = (CUpti_ActivityMemset4 *)activity;
            add("memset", m->start, m->end, 0, 0, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    free(buffer);
}

static int by_start(const void *a, const void *b) {
    uint64_t x = ((const Record *)a)->start, y = ((const Record *)b)->start;
    return x < y ? -1 : x > y;
}

typedef struct {
    unsigned name, grid, block, registers;
    size_t calls;
    uint64_t time;
} Total;

static int by_time(const void *a, const void *b) {
    uint64_t x = ((const Total *)a)->time, y = ((const Total *)b)->time;
    return x > y ? -1 : x < y;
}

static void write_report(void) {
    cuptiActivityFlushAll(1);
    const char *prefix = getenv("GPU_PROFILE");
    if (!prefix || count < 2) return;
    char path[4096];
    snprintf(path, sizeof path, "%s.%d", prefix, (int)getpid());
    FILE *file = fopen(path, "w");
    if (!file) return;
    qsort(records, count, sizeof *records, by_start);
    static Total totals[MOST_NAMES];
    size_t first = count / 2;
    uint64_t busy = 0, last = records[first].start;
    for (size_t i = first; i < count; i++) {
        Record *r = &records[i];
        Total *t = &totals[r->name];
        t->name = r->name;
        t->calls++;
        t->time += r->end - r->start;
        t->registers = r->registers;
        if (r->grid >= t->grid) t->grid = r->grid, t->block = r->block;
        uint64_t start = r->start > last ? r->start : last;
        if (r->end > start) busy += r->end - start, last = r->end;
    }
    double wall = (double)(last - records[first].start);
    fprintf(file, "launches and copies %zu; wall %.3f ms; busy %.3f ms; idle %.1f %%\n", count - first, wall / 1e6, busy / 1e6,
            100 * (1 - busy / wall));
    fprintf(file, "%8s %6s %7s %9s %9s %5s %4s  %s\n", "ms", "share", "calls", "us each", "grid", "block", "regs", "kernel");
    qsort(totals, MOST_NAMES, sizeof *totals, by_time);
    for (Total *t = totals; t < totals + MOST_NAMES && t->calls; t++)
        fprintf(file, "%8.3f %5.1f%% %7zu %9.1f %9u %5u %4u  %.120s\n", t->time / 1e6, 100 * t->time / wall, t->calls,
                t->time / 1e3 / t->calls, t->grid, t->block, t->registers, names[t->name]);
    fclose(file);
}

int InitializeInjection(void) {
    records = malloc(MOST_RECORDS * sizeof *records);
    if (!records) return 0;
    cuptiActivityRegisterCallbacks(buffer_requested, buffer_completed);
    cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
    cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
    cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMSET);
    atexit(write_report);
    return 1;
}
