/* Walks the whole ABI: every function, in use and misused, against an upstream on loopback.
 *
 *     conformance http://127.0.0.1:PORT
 *
 * Each file under conformance/ is a chapter. The last line printed is `N passed, N failed`, and
 * the exit status is 0 if nothing failed. It frees what it takes and ends with
 * modelwire_shutdown, so that a leak checker finds nothing. The chapters have a thread of their
 * own, which ends: a thread that waited in a call keeps 48 bytes as long as it lives, and that
 * of main() does not end before the checker looks.
 */
#include <modelwire.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "conformance/chapters.h"
#include "conformance/check.h"
#include "conformance/upstream.h"

static const struct chapter {
    const char *name;
    void (*run)(void);
} chapters[] = {
    {"library", check_library},   {"providers", check_providers}, {"results", check_results},
    {"blocking", check_blocking}, {"flight", check_flight},       {"threads", check_threads},
    {"poller", check_poller},     {"splitter", check_splitter},   {"shutdown", check_shutdown},
};

static void *run_all(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof chapters / sizeof chapters[0]; i++) {
        printf("%s\n", chapters[i].name);
        fflush(stdout); /* a fork must not inherit unwritten output */
        chapters[i].run();
    }
    modelwire_shutdown(0);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: conformance UPSTREAM_URL\n", stderr);
        return EXIT_FAILURE;
    }
    upstream_use(argv[1]);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_all, NULL) != 0 || pthread_join(thread, NULL) != 0) {
        fputs("no thread\n", stderr);
        return EXIT_FAILURE;
    }
    return check_summary() ? EXIT_SUCCESS : EXIT_FAILURE;
}
