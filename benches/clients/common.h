/* What the C clients of the benchmark share: the arguments, and the measure of themselves.
 *
 *   CLIENT MODE BASE COUNT [NUMBER [LINES]]
 *
 * once:   COUNT requests; nothing runs before
 * unary:  COUNT requests with bodies of NUMBER bytes, one after the other
 * event, block: one stream of COUNT lines, an HTTP chunk per event or per 16 KB
 * paced:  COUNT streams at once, each a line every NUMBER milliseconds, LINES of them
 * first:  COUNT short streams, one after the other: how long until the host has a line
 * cancel: COUNT silent streams, one after the other: how long until a cancelled one is over
 * idle:   COUNT silent streams at once: what they hold while nothing happens
 *
 * Before the measure starts one request warms up what every program keeps, but for once.
 * Prints one JSON object:
 *
 *   ops, cpu_us, wall_us           what was done, in this process's own time
 *   steady_ops, steady_cpu_us      paced: lines and CPU from when all streams were open
 *   latency_us, latency_p99_us     first, cancel: the median and the 99th in a hundred
 *   idle_kb                        idle: growth of resident memory by the streams
 *   held_kb, peak_kb, threads      resident memory before anything was done, its peak; threads */
#ifndef COMMON_H
#define COMMON_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct bench {
    const char *mode, *base;
    size_t count, lines_each;
    unsigned every_ms;
    char *body;
    size_t body_len;
    double cpu_us, wall_us; /* the start, then what was spent */
    double open_cpu_us, steady_cpu_us;
    size_t open, open_ops, steady_ops;
    double *latencies;
    size_t latency_count;
    long held_kb, idle_from_kb, idle_kb;
    int stopped;
};

static inline double cpu_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static inline double wall_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

/* ru_maxrss would count what the process that started this one had. */
static inline long status_field(const char *format)
{
    char line[256];
    long number = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, format, &number) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return number;
}

static inline int bench_is(const struct bench *bench, const char *mode)
{
    return !strcmp(bench->mode, mode);
}

static inline struct bench bench_read(int argc, char **argv)
{
    struct bench bench = {0};
    if (argc < 4) {
        fprintf(stderr, "usage: %s MODE BASE COUNT [NUMBER [LINES]]\n", argv[0]);
        exit(2);
    }
    bench.mode = argv[1];
    bench.base = argv[2];
    bench.count = strtoul(argv[3], NULL, 10);
    size_t number = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    bench.every_ms = number ? (unsigned)number : 50;
    bench.lines_each = argc > 5 ? strtoul(argv[5], NULL, 10) : 100;
    bench.body_len = number && !bench_is(&bench, "paced") ? number : 200;
    if (bench.body_len < 64)
        bench.body_len = 64;
    bench.body = malloc(bench.body_len + 1);
    memset(bench.body, 'z', bench.body_len);
    memcpy(bench.body, "{\"model\":\"m\",\"text\":\"", 21);
    memcpy(bench.body + bench.body_len - 2, "\"}", 3);
    bench.latencies = calloc(bench.count + 1, sizeof *bench.latencies);
    bench.held_kb = status_field("VmRSS: %ld");
    bench.cpu_us = cpu_now();
    bench.wall_us = wall_now();
    return bench;
}

static inline void bench_begin(struct bench *bench)
{
    bench->cpu_us = cpu_now();
    bench->wall_us = wall_now();
}

/* What comes after does not count. */
static inline void bench_stop(struct bench *bench)
{
    if (bench->stopped)
        return;
    bench->stopped = 1;
    bench->cpu_us = cpu_now() - bench->cpu_us;
    bench->wall_us = wall_now() - bench->wall_us;
}

/* One more of the streams has its first line; `lines` of all streams were taken before. */
static inline void bench_open(struct bench *bench, size_t lines)
{
    if (++bench->open < bench->count)
        return;
    bench->open_ops = lines;
    bench->open_cpu_us = cpu_now();
}

/* All streams ended. */
static inline void bench_steady(struct bench *bench, size_t lines)
{
    bench->steady_ops = lines - bench->open_ops;
    bench->steady_cpu_us = cpu_now() - bench->open_cpu_us;
}

static inline void bench_latency(struct bench *bench, double since_us)
{
    bench->latencies[bench->latency_count++] = wall_now() - since_us;
}

static inline void bench_idle_from(struct bench *bench)
{
    bench->idle_from_kb = status_field("VmRSS: %ld");
}

/* All streams are open; what they needed for that may come to rest. */
static inline void bench_idle_until(struct bench *bench)
{
    struct timespec rest = {.tv_nsec = 300 * 1000 * 1000};
    bench_stop(bench);
    nanosleep(&rest, NULL);
    bench->idle_kb = status_field("VmRSS: %ld") - bench->idle_from_kb;
}

static inline int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static inline void bench_end(struct bench *bench, size_t ops)
{
    bench_stop(bench);
    qsort(bench->latencies, bench->latency_count, sizeof(double), by_size);
    printf("{\"ops\":%zu,\"cpu_us\":%.0f,\"wall_us\":%.0f,\"steady_ops\":%zu,\"steady_cpu_us\":%.0f,"
           "\"latency_us\":%.1f,\"latency_p99_us\":%.1f,\"idle_kb\":%ld,"
           "\"held_kb\":%ld,\"peak_kb\":%ld,\"threads\":%ld}\n",
           ops, bench->cpu_us, bench->wall_us, bench->steady_ops, bench->steady_cpu_us,
           bench->latencies[bench->latency_count / 2],
           bench->latencies[bench->latency_count * 99 / 100], bench->idle_kb, bench->held_kb,
           status_field("VmHWM: %ld"), status_field("Threads: %ld"));
}

/* The base URL that makes the upstream do `mode`. */
static inline void bench_url(char *into, size_t size, const struct bench *bench, const char *mode)
{
    if (!strcmp(mode, "unary") || !strcmp(mode, "once"))
        snprintf(into, size, "%s/unary", bench->base);
    else if (!strcmp(mode, "paced"))
        snprintf(into, size, "%s/paced/%u/%zu", bench->base, bench->every_ms, bench->lines_each);
    else if (!strcmp(mode, "first"))
        snprintf(into, size, "%s/blast/1/event", bench->base);
    else if (!strcmp(mode, "cancel") || !strcmp(mode, "idle"))
        snprintf(into, size, "%s/idle", bench->base);
    else
        snprintf(into, size, "%s/blast/%zu/%s", bench->base, bench->count, mode);
}
#endif
