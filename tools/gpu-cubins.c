// Passes machine code to the CUDA driver in place of PTX: LD_PRELOAD=libgpu_cubins.so GPU_CUBINS=folder program
//
// The driver compiles PTX for its GPU when it is loaded, which takes about a minute for all of candle's kernels. Where the
// folder holds HASH.cubin, that is loaded instead; HASH is the 64-bit FNV-1a of the PTX up to its terminating zero, in
// hexadecimal. A module that has no such file, or whose machine code the driver rejects, is loaded as PTX. GPU_CUBINS_LOG names a
// file to which each loaded module appends a line.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef int load_data(void **module, const void *image);
enum { NOT_FOUND = 500 };

// The driver's own function. If a plugin opened the driver, RTLD_NEXT does not find it.
static load_data *of_the_driver(void) {
    load_data *found = (load_data *)dlsym(RTLD_NEXT, "cuModuleLoadData");
    void *library = found ? NULL : dlopen("libcuda.so.1", RTLD_NOLOAD | RTLD_LAZY);
    return library ? (load_data *)dlsym(library, "cuModuleLoadData") : found;
}

static uint64_t hash(const char *text) {
    uint64_t value = 0xcbf29ce484222325;
    for (; *text; text++) value = (value ^ (unsigned char)*text) * 0x100000001b3;
    return value;
}

// The machine code of a PTX module, or NULL without a file; the caller frees it.
static void *machine_code(uint64_t hash) {
    char path[4096];
    const char *folder = getenv("GPU_CUBINS");
    snprintf(path, sizeof path, "%s/%016lx.cubin", folder ? folder : "", (unsigned long)hash);
    FILE *file = folder ? fopen(path, "rb") : NULL;
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    size_t length = (size_t)ftell(file);
    rewind(file);
    void *code = malloc(length + 1);
    if (code && fread(code, 1, length, file) != length) {
        free(code);
        code = NULL;
    }
    fclose(file);
    return code;
}

static void note(uint64_t hash, const char *how) {
    const char *path = getenv("GPU_CUBINS_LOG");
    FILE *log = path ? fopen(path, "a") : NULL;
    if (!log) return;
    fprintf(log, "%016lx %s\n", (unsigned long)hash, how);
    fclose(log);
}

int cuModuleLoadData(void **module, const char *image) {
    load_data *load = of_the_driver();
    if (!load) return NOT_FOUND;
    if (*image != '/') return load(module, image); // PTX starts with a comment; this is machine code already
    uint64_t name = hash(image);
    void *code = machine_code(name);
    int loaded = code && load(module, code) == 0;
    note(name, loaded ? "machine code" : code ? "PTX, the machine code was rejected" : "PTX");
    free(code);
    return loaded ? 0 : load(module, image);
}
