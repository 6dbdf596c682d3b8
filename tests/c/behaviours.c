/* Runs the behaviour list: each entry as a call in flight, and, unless it cancels, once more
 * through the functions that block.
 *
 *     behaviours http://127.0.0.1:PORT LIST
 *
 * The URL is the bundled upstream's, LIST what the example `behaviours` printed. The last line
 * is `N entries, N performed, N failed`; the exit status is 0 if nothing failed.
 */
#include <modelwire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "behaviours/compare.h"
#include "behaviours/control.h"
#include "behaviours/list.h"

/* An entry as it is performed: what it needs, and the lines so far. */
struct performance {
    const struct behaviour *behaviour;
    unsigned id;
    char *config;
    char *lines;
    size_t len;
    size_t count;
    bool gate_waits;
};

static const uint8_t *bytes(const char *text)
{
    return (const uint8_t *)text;
}

static void take(struct performance *performance, const void *lines, size_t len)
{
    const struct behaviour *behaviour = performance->behaviour;
    performance->lines = realloc(performance->lines, performance->len + len);
    if (performance->lines == NULL)
        abort();
    memcpy(performance->lines + performance->len, lines, len);
    for (size_t i = 0; i < len; i++)
        performance->count += performance->lines[performance->len + i] == '\n';
    performance->len += len;
    if (performance->gate_waits && performance->count >= count_of(behaviour->gate_after)) {
        performance->gate_waits = false;
        open_gate(performance->id, behaviour->gate);
    }
}

static uint32_t operation_of(const struct behaviour *behaviour)
{
    if (is_text(behaviour->operation, "completions"))
        return MODELWIRE_OP_COMPLETIONS;
    if (is_text(behaviour->operation, "completions_stream"))
        return MODELWIRE_OP_COMPLETIONS_STREAM;
    if (is_text(behaviour->operation, "test_connection"))
        return MODELWIRE_OP_TEST_CONNECTION;
    fprintf(stderr, "behaviours: unknown operation %s\n", behaviour->operation.data);
    exit(EXIT_FAILURE);
}

/* Cancels at the two moments that are not a number of lines. */
static void cancel_early(const struct performance *performance, modelwire_call call)
{
    struct bytes moment = performance->behaviour->cancel_after;
    if (is_text(moment, "sent"))
        wait_until_sent(performance->id);
    if (is_text(moment, "sent") || is_text(moment, "start"))
        modelwire_cancel(call);
}

static modelwire_result *in_flight(struct performance *performance)
{
    const struct behaviour *behaviour = performance->behaviour;
    modelwire_call call = modelwire_start(operation_of(behaviour), behaviour->provider.data, bytes(performance->config),
                                          strlen(performance->config), bytes(behaviour->request.data),
                                          behaviour->request.len, 0, 0);
    int32_t event;
    cancel_early(performance, call);
    do {
        const uint8_t *data;
        size_t len;
        event = modelwire_next(call, -1, &data, &len);
        if (event == MODELWIRE_EVENT_LINES)
            take(performance, data, len);
        if (performance->count >= count_of(behaviour->cancel_after))
            modelwire_cancel(call);
    } while (event >= 0 && event != MODELWIRE_EVENT_ENDED);
    return modelwire_finish(call);
}

static int32_t on_line(void *performance, const uint8_t *line, size_t len)
{
    take(performance, line, len);
    take(performance, "\n", 1);
    return 0;
}

static modelwire_result *blocking(struct performance *performance)
{
    const struct behaviour *behaviour = performance->behaviour;
    const char *provider = behaviour->provider.data;
    const uint8_t *config = bytes(performance->config), *request = bytes(behaviour->request.data);
    const size_t config_len = strlen(performance->config), request_len = behaviour->request.len;
    switch (operation_of(behaviour)) {
    case MODELWIRE_OP_COMPLETIONS:
        return modelwire_completions(provider, config, config_len, request, request_len);
    case MODELWIRE_OP_COMPLETIONS_STREAM:
        return modelwire_completions_stream(provider, config, config_len, request, request_len, on_line, performance);
    default:
        return modelwire_test_connection(provider, config, config_len);
    }
}

static bool run(const struct behaviour *behaviour, unsigned id, const char *way,
                modelwire_result *(*perform)(struct performance *))
{
    struct performance performance = {.behaviour = behaviour, .id = id, .gate_waits = behaviour->gate.data != NULL};
    put_script(id, behaviour->script);
    performance.config = config_at(behaviour, base_of(id));
    modelwire_result *result = perform(&performance);
    char *requests = received(id);

    struct outcome outcome = {.status = modelwire_result_status(result),
                              .http_status = modelwire_result_http_status(result),
                              .lines = {performance.lines, performance.len}};
    outcome.body.data = (const char *)modelwire_result_body(result, &outcome.body.len);
    outcome.info.data = (const char *)modelwire_result_info(result, &outcome.info.len);
    bool fine = behaves(behaviour, way, &outcome, requests);

    modelwire_result_free(result);
    free(requests);
    free(performance.config);
    free(performance.lines);
    return fine;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: behaviours UPSTREAM_URL LIST\n", stderr);
        return EXIT_FAILURE;
    }
    struct list list = list_open(argv[2]);
    struct behaviour behaviour;
    unsigned entries = 0, performed = 0, failed = 0;
    control_use(argv[1]);
    for (; list_next(&list, &behaviour); entries++) {
        performed++;
        failed += !run(&behaviour, entries, "in flight", in_flight);
        if (behaviour.cancel_after.data != NULL)
            continue;
        performed++;
        failed += !run(&behaviour, entries, "blocking", blocking);
    }
    list_close(&list);
    modelwire_shutdown(0);
    printf("%u entries, %u performed, %u failed\n", entries, performed, failed);
    return failed == 0 && entries > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
