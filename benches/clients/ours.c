/* modelwire through its C ABI. */
#include "common.h"
#include <modelwire.h>

static char config[512];

static void check(modelwire_result *result)
{
    if (modelwire_result_status(result) != MODELWIRE_OK) {
        fprintf(stderr, "%s\n", (const char *)modelwire_result_info(result, NULL));
        exit(1);
    }
    modelwire_result_free(result);
}

static void unary(struct bench *bench)
{
    check(modelwire_completions("openai_compatible", (const uint8_t *)config, strlen(config),
                                (const uint8_t *)bench->body, bench->body_len));
}

static int32_t on_line(void *lines, const uint8_t *line, size_t len)
{
    (void)line;
    (void)len;
    ++*(size_t *)lines;
    return 0;
}

static size_t stream(struct bench *bench)
{
    size_t lines = 0;
    check(modelwire_completions_stream("openai_compatible", (const uint8_t *)config,
                                       strlen(config), (const uint8_t *)bench->body,
                                       bench->body_len, on_line, &lines));
    return lines;
}

static size_t count_lines(const uint8_t *data, size_t len)
{
    size_t lines = 0;
    const uint8_t *end = data + len, *at = data;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        lines++;
        at++;
    }
    return lines;
}

static size_t paced(struct bench *bench)
{
    modelwire_poller poller = modelwire_poller_new();
    modelwire_call *calls = calloc(bench->count, sizeof *calls);
    size_t alive = bench->count, lines = 0;
    uint64_t tokens[256];
    for (size_t i = 0; i < bench->count; i++)
        calls[i] = modelwire_start(MODELWIRE_OP_COMPLETIONS_STREAM, "openai_compatible",
                                   (const uint8_t *)config, strlen(config),
                                   (const uint8_t *)bench->body, bench->body_len, poller, i);
    while (alive > 0) {
        int32_t ready = modelwire_poller_wait(poller, -1, tokens, 256);
        for (int32_t i = 0; i < ready; i++) {
            const uint8_t *data;
            size_t len;
            int32_t event;
            while ((event = modelwire_next(calls[tokens[i]], 0, &data, &len)) > 0) {
                if (event == MODELWIRE_EVENT_LINES)
                    lines += count_lines(data, len);
                if (event == MODELWIRE_EVENT_ENDED) {
                    check(modelwire_finish(calls[tokens[i]]));
                    alive--;
                    break;
                }
            }
        }
    }
    free(calls);
    modelwire_poller_free(poller);
    return lines;
}

int main(int argc, char **argv)
{
    struct bench bench = bench_read(argc, argv);
    char url[256];
    size_t ops = bench.count;
    bench_url(url, sizeof url, &bench);
    snprintf(config, sizeof config,
             "{\"options\":{\"base_url\":\"%s\"},\"credentials\":{\"api_key\":\"k\"}}", url);
    if (!strcmp(bench.mode, "unary")) {
        unary(&bench);
        bench_begin(&bench);
        for (size_t i = 0; i < bench.count; i++)
            unary(&bench);
    } else if (!strcmp(bench.mode, "paced")) {
        bench_begin(&bench);
        ops = paced(&bench);
    } else {
        bench_begin(&bench);
        ops = stream(&bench);
    }
    bench_end(&bench, ops);
    modelwire_shutdown(0);
    return 0;
}
