/* A host that loads the library by hand, uses it, shuts it down and unloads it, again and again.
 * It is not linked against it: the path is the second argument. */
#define _GNU_SOURCE
#include "guest.h"
#include <dirent.h>
#include <dlfcn.h>

typedef modelwire_result *completions_fn(const char *, const uint8_t *, size_t, const uint8_t *, size_t);
typedef int32_t status_fn(const modelwire_result *);
typedef void free_fn(modelwire_result *);
typedef int32_t shutdown_fn(uint32_t);

/* ISO C has no way from an object pointer to a function's; POSIX has this one. */
static void find(void *library, const char *name, void *function) {
    void *symbol = dlsym(library, name);
    CHECK(symbol != NULL);
    memcpy(function, &symbol, sizeof symbol);
}

static int entries(const char *path) {
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    int count = 0;
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv) {
    CHECK(argc > 2);
    char room[512];
    const char *config = guest_config(room, argv[1], "ok");
    int threads = entries("/proc/self/task");
    int descriptors = entries("/proc/self/fd");
    for (int round = 0; round < 3; round++) {
        void *library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        completions_fn *completions;
        status_fn *status;
        free_fn *release;
        shutdown_fn *stop;
        find(library, "modelwire_completions", &completions);
        find(library, "modelwire_result_status", &status);
        find(library, "modelwire_result_free", &release);
        find(library, "modelwire_shutdown", &stop);
        modelwire_result *result = completions(PROVIDER, (const uint8_t *)config, strlen(config),
                                               (const uint8_t *)REQUEST, strlen(REQUEST));
        CHECK_EQ(status(result), MODELWIRE_OK);
        release(result);
        CHECK_EQ(stop(0), MODELWIRE_OK);
        CHECK_EQ(dlclose(library), 0);
        CHECK_EQ(entries("/proc/self/task"), threads);
        CHECK_EQ(entries("/proc/self/fd"), descriptors);
    }
    return 0;
}
