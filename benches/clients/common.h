/* What the C clients of the benchmark share: the arguments, and the measure of themselves.
 *
 *   CLIENT MODE BASE COUNT [BYTES]
 *
 * unary:  COUNT requests with bodies of BYTES, one after the other
 * event, block: one stream of COUNT lines, an HTTP chunk per event or per 16 KB
 * paced:  COUNT streams at once, each a line every 50 ms, 100 lines
 *
 * Prints {"ops", "cpu_us", "wall_us", "rss_kb"}: CPU of this process alone. One operation of
 * each kind runs before the measure starts, so that connections and caches are warm. */
#ifndef COMMON_H
#define COMMON_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { PACED_MS = 50, PACED_LINES = 100 };

struct bench {
    const char *mode, *base;
    size_t count, bytes;
    char *body;
    size_t body_len;
    double cpu_us, wall_us;
};

static double cpu_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double wall_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static struct bench bench_read(int argc, char **argv)
{
    struct bench bench = {0};
    if (argc < 4) {
        fprintf(stderr, "usage: %s MODE BASE COUNT [BYTES]\n", argv[0]);
        exit(2);
    }
    bench.mode = argv[1];
    bench.base = argv[2];
    bench.count = strtoul(argv[3], NULL, 10);
    bench.bytes = argc > 4 ? strtoul(argv[4], NULL, 10) : 200;
    if (bench.bytes < 64)
        bench.bytes = 64;
    bench.body = malloc(bench.bytes + 1);
    memset(bench.body, 'z', bench.bytes);
    memcpy(bench.body, "{\"model\":\"m\",\"text\":\"", 21);
    memcpy(bench.body + bench.bytes - 2, "\"}", 3);
    bench.body_len = bench.bytes;
    return bench;
}

static void bench_begin(struct bench *bench)
{
    bench->cpu_us = cpu_now();
    bench->wall_us = wall_now();
}

/* ru_maxrss would count what the process that started this one had. */
static long rss_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return kb;
}

static void bench_end(const struct bench *bench, size_t ops)
{
    double cpu = cpu_now() - bench->cpu_us, wall = wall_now() - bench->wall_us;
    printf("{\"ops\":%zu,\"cpu_us\":%.0f,\"wall_us\":%.0f,\"rss_kb\":%ld}\n", ops, cpu, wall,
           rss_kb());
}

static void bench_url(char *into, size_t size, const struct bench *bench)
{
    if (!strcmp(bench->mode, "unary"))
        snprintf(into, size, "%s/unary", bench->base);
    else if (!strcmp(bench->mode, "paced"))
        snprintf(into, size, "%s/paced/%d/%d", bench->base, PACED_MS, PACED_LINES);
    else
        snprintf(into, size, "%s/blast/%zu/%s", bench->base, bench->count, bench->mode);
}
#endif
