/* modelwire through its C ABI. */
#include "common.h"
#include <modelwire.h>

static struct bench bench;

/* One line counts where it is taken; streams are known by their place in `calls`. */
static size_t lines;
static modelwire_call *calls;
static unsigned char *is_open;

static void check(modelwire_result *result, int32_t expected)
{
    if (modelwire_result_status(result) != expected) {
        fprintf(stderr, "%s\n", (const char *)modelwire_result_info(result, NULL));
        exit(1);
    }
    modelwire_result_free(result);
}

static const char *config_for(const char *mode)
{
    static char config[1024];
    char url[512];
    bench_url(url, sizeof url, &bench, mode);
    snprintf(config, sizeof config,
             "{\"options\":{\"base_url\":\"%s\"},\"credentials\":{\"api_key\":\"k\"}}", url);
    return config;
}

static void unary(const char *config, size_t config_len)
{
    check(modelwire_completions("openai_compatible", (const uint8_t *)config, config_len,
                                (const uint8_t *)bench.body, bench.body_len),
          MODELWIRE_OK);
}

static int32_t on_line(void *user, const uint8_t *line, size_t len)
{
    double *first_us = user;
    (void)line;
    (void)len;
    if (*first_us == 0)
        *first_us = wall_now();
    lines++;
    return 0;
}

/* Reads a stream to its end through a callback; when the first line came. */
static double stream(const char *config)
{
    double first_us = 0;
    check(modelwire_completions_stream("openai_compatible", (const uint8_t *)config,
                                       strlen(config), (const uint8_t *)bench.body,
                                       bench.body_len, on_line, &first_us),
          MODELWIRE_OK);
    return first_us;
}

static void first(void)
{
    const char *config = config_for("first");
    for (size_t i = 0; i < bench.count; i++) {
        double begun = wall_now();
        bench.latencies[bench.latency_count++] = stream(config) - begun;
    }
}

static modelwire_call start(const char *config, modelwire_poller poller, uint64_t token)
{
    return modelwire_start(MODELWIRE_OP_COMPLETIONS_STREAM, "openai_compatible",
                           (const uint8_t *)config, strlen(config), (const uint8_t *)bench.body,
                           bench.body_len, poller, token);
}

static void cancel(void)
{
    const char *config = config_for("cancel");
    const uint8_t *data;
    size_t len;
    for (size_t i = 0; i < bench.count; i++) {
        modelwire_call call = start(config, 0, 0);
        while (modelwire_next(call, -1, &data, &len) != MODELWIRE_EVENT_LINES)
            ;
        double begun = wall_now();
        modelwire_cancel(call);
        while (modelwire_next(call, -1, &data, &len) != MODELWIRE_EVENT_ENDED)
            ;
        bench_latency(&bench, begun);
        check(modelwire_finish(call), MODELWIRE_E_CANCELLED);
    }
}

static size_t count_lines(const uint8_t *data, size_t len)
{
    size_t count = 0;
    const uint8_t *end = data + len, *at = data;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Takes all that waits in a call; 1 once it is over. */
static int take(uint64_t at)
{
    const uint8_t *data;
    size_t len;
    int32_t event;
    while ((event = modelwire_next(calls[at], 0, &data, &len)) > 0) {
        if (event == MODELWIRE_EVENT_LINES) {
            if (!is_open[at]) {
                is_open[at] = 1;
                bench_open(&bench, lines);
            }
            lines += count_lines(data, len);
        }
        if (event == MODELWIRE_EVENT_ENDED) {
            check(modelwire_finish(calls[at]), MODELWIRE_OK);
            return 1;
        }
    }
    return 0;
}

/* All streams through one poller, on this thread, until all are open or all are over. */
static void follow(int until_open)
{
    modelwire_poller poller = modelwire_poller_new();
    const char *config = config_for(bench.mode);
    size_t alive = bench.count;
    uint64_t tokens[256];
    for (size_t i = 0; i < bench.count; i++)
        calls[i] = start(config, poller, i);
    while (alive > 0 && !(until_open && bench.open == bench.count)) {
        int32_t ready = modelwire_poller_wait(poller, -1, tokens, 256);
        for (int32_t i = 0; i < ready; i++)
            alive -= (size_t)take(tokens[i]);
    }
    if (!until_open)
        bench_steady(&bench, lines);
    modelwire_poller_free(poller);
}

static size_t work(void)
{
    if (bench_is(&bench, "once") || bench_is(&bench, "unary")) {
        const char *config = config_for("unary");
        size_t config_len = strlen(config);
        for (size_t i = 0; i < bench.count; i++)
            unary(config, config_len);
        return bench.count;
    }
    if (bench_is(&bench, "first")) {
        first();
        return bench.count;
    }
    if (bench_is(&bench, "cancel")) {
        cancel();
        return bench.count;
    }
    if (bench_is(&bench, "idle")) {
        follow(1);
        bench_idle_until(&bench);
        return bench.count;
    }
    if (bench_is(&bench, "paced"))
        follow(0);
    else
        stream(config_for(bench.mode));
    return lines;
}

int main(int argc, char **argv)
{
    bench = bench_read(argc, argv);
    calls = calloc(bench.count, sizeof *calls);
    is_open = calloc(bench.count, 1);
    if (!bench_is(&bench, "once")) {
        const char *config = config_for("unary");
        unary(config, strlen(config));
        bench_idle_from(&bench);
        bench_begin(&bench);
    }
    size_t ops = work();
    bench_end(&bench, ops);
    modelwire_shutdown(0);
    return 0;
}
