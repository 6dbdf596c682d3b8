/* many: follows many streams at once, on one thread.
 *
 * One poller watches all of them, and the loop sleeps in poll(2) on its descriptor, as an event
 * loop (epoll, kqueue, libuv, GLib) would beside its own sockets and timers. A stream costs a
 * handle and a buffer, not a thread.
 *
 *     cc -std=c99 many.c -lmodelwire -o many
 *     ./many https://api.openai.com/v1 gpt-4.1-nano
 */
#define _POSIX_C_SOURCE 200809L
#include <modelwire.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

enum { STREAMS = 100, TOKENS = 16 };

struct stream {
    modelwire_call call;
    uint64_t lines;
    int32_t status;
    char end[16]; /* how it ended: done, terminal, eof, error ... */
};

static void start(struct stream *streams, modelwire_poller poller, const char *base_url, const char *model)
{
    struct json config = {0}, request = {0};
    json_open(&config, NULL, "{");
    json_open(&config, "credentials", "{");
    json_string(&config, "api_key", getenv("OPENAI_API_KEY"));
    json_close(&config, "}");
    json_open(&config, "options", "{");
    json_string(&config, "base_url", base_url);
    json_close(&config, "}}");
    json_open(&request, NULL, "{");
    json_string(&request, "model", model);
    json_literal(&request, "stream", "true");
    json_open(&request, "messages", "[{");
    json_string(&request, "role", "user");
    json_string(&request, "content", "Count to five.");
    json_close(&request, "}]}");

    for (uint64_t token = 0; token < STREAMS; token++)
        streams[token].call = modelwire_start(MODELWIRE_OP_COMPLETIONS_STREAM, "openai_compatible",
                                              (const uint8_t *)config.text, config.len,
                                              (const uint8_t *)request.text, request.len, poller, token);
    json_free(&config);
    json_free(&request);
}

static void finish(struct stream *stream)
{
    modelwire_result *result = modelwire_finish(stream->call);
    size_t info_len;
    const uint8_t *info = modelwire_result_info(result, &info_len);
    stream->status = modelwire_result_status(result);
    json_copy(info, info_len, "\"end\":\"", stream->end, sizeof stream->end);
    modelwire_result_free(result);
}

static uint64_t count_lines(const uint8_t *data, size_t len)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += data[i] == '\n';
    return lines;
}

/* Takes what waits, never sleeping: the token comes again only after AGAIN. Answers false when
 * the stream has ended. */
static bool read_stream(struct stream *stream)
{
    for (;;) {
        const uint8_t *data;
        size_t data_len;
        int32_t event = modelwire_next(stream->call, 0, &data, &data_len);
        if (event == MODELWIRE_EVENT_AGAIN)
            return true;
        if (event == MODELWIRE_EVENT_LINES)
            stream->lines += count_lines(data, data_len);
        if (event < 0 || event == MODELWIRE_EVENT_ENDED) {
            finish(stream);
            return false;
        }
    }
}

/* Sleeps until a stream is readable. The descriptor is level-triggered: it stays readable while
 * tokens wait, so it does not matter that one round takes TOKENS of them at most. */
static bool follow(struct stream *streams, modelwire_poller poller)
{
    struct pollfd ready = {.fd = modelwire_poller_fd(poller), .events = POLLIN};
    if (ready.fd < 0) {
        fprintf(stderr, "many: %s\n", modelwire_status_name(ready.fd));
        return false;
    }
    for (int open = STREAMS; open > 0;) {
        if (poll(&ready, 1, -1) < 0 && errno != EINTR) {
            perror("many: poll");
            return false;
        }
        uint64_t tokens[TOKENS];
        int32_t count = modelwire_poller_wait(poller, 0, tokens, TOKENS);
        if (count < 0) {
            fprintf(stderr, "many: %s\n", modelwire_status_name(count));
            return false;
        }
        for (int32_t i = 0; i < count; i++)
            open -= !read_stream(&streams[tokens[i]]);
    }
    return true;
}

static bool print(const struct stream *streams)
{
    bool all_ok = true;
    for (int i = 0; i < STREAMS; i++) {
        const struct stream *stream = &streams[i];
        printf("stream %d: %" PRIu64 " lines, %s, %s\n", i, stream->lines,
               modelwire_status_name(stream->status), stream->end);
        all_ok = all_ok && stream->status == MODELWIRE_OK;
    }
    return all_ok;
}

int main(int argc, char **argv)
{
    static struct stream streams[STREAMS];
    if (argc != 3) {
        fputs("usage: many BASE_URL MODEL (and OPENAI_API_KEY in the environment)\n", stderr);
        return EXIT_FAILURE;
    }
    modelwire_poller poller = modelwire_poller_new();
    start(streams, poller, argv[1], argv[2]);
    bool all_ok = follow(streams, poller) && print(streams);
    modelwire_poller_free(poller);
    modelwire_shutdown(0); /* frees what an error left behind */
    return all_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
