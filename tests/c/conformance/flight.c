/* A call in flight: its events, its end, cancelling, and handles that name nothing. */
#include <string.h>

#include "chapters.h"
#include "check.h"
#include "upstream.h"

/* Long enough for any machine; reached only when something is wrong. */
enum { PATIENCE_MS = 60000 };

static int32_t next(modelwire_call call)
{
    const uint8_t *data;
    size_t len;
    return modelwire_next(call, PATIENCE_MS, &data, &len);
}

static void check_events(void)
{
    modelwire_call call = start(MODELWIRE_OP_COMPLETIONS_STREAM, ANSWERS);
    CHECK(call != 0);
    CHECK_EQ(next(call), MODELWIRE_EVENT_OPENED);
    bool whole_lines = true, done = false;
    int32_t event;
    for (;;) {
        const uint8_t *data = NULL;
        size_t len = 0;
        event = modelwire_next(call, PATIENCE_MS, &data, &len);
        if (event != MODELWIRE_EVENT_LINES)
            break;
        whole_lines = whole_lines && len > 0 && data[len - 1] == '\n';
        done = done || holds(data, len, "data: [DONE]\n");
    }
    CHECK_EQ(event, MODELWIRE_EVENT_ENDED);
    CHECK(whole_lines && done);
    CHECK(next(call) < 0); /* nothing follows the end */
    EXPECT_INFO(modelwire_finish(call), MODELWIRE_OK, "\"end\":\"done\"");
}

/* What is no stream ends without opening. */
static void check_other_operations(void)
{
    static const struct {
        uint32_t operation;
        enum scenario scenario;
        int32_t status;
        const char *body;
    } cases[] = {
        {MODELWIRE_OP_COMPLETIONS, ANSWERS, MODELWIRE_OK, "\"choices\""},
        {MODELWIRE_OP_COMPLETIONS, REFUSES, MODELWIRE_E_BACKEND, "slow down"},
        {MODELWIRE_OP_COMPLETIONS_STREAM, REFUSES, MODELWIRE_E_BACKEND, "slow down"},
        {MODELWIRE_OP_COMPLETIONS_STREAM, ABSENT, MODELWIRE_E_CONNECT, NULL},
        {MODELWIRE_OP_TEST_CONNECTION, ANSWERS, MODELWIRE_OK, "\"ok\":true"},
        {MODELWIRE_OP_HTTP_PROBE, REJECTS, MODELWIRE_OK, "\"ok\":false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        modelwire_call call = start(cases[i].operation, cases[i].scenario);
        CHECK_EQ(next(call), MODELWIRE_EVENT_ENDED);
        EXPECT_BODY(modelwire_finish(call), cases[i].status, cases[i].body);
    }
}

/* A bad argument is the outcome of a call like any other. */
static void check_arguments(void)
{
    const char *config = config_of(ANSWERS), *request = request_of(MODELWIRE_OP_COMPLETIONS);
    const uint32_t operation = MODELWIRE_OP_COMPLETIONS;
    const struct {
        modelwire_call call;
        int32_t status;
    } cases[] = {
        {modelwire_start(0, "openai", BYTES(config), BYTES(request), 0, 0), MODELWIRE_E_ARGUMENT},
        {modelwire_start(99, "openai", BYTES(config), BYTES(request), 0, 0), MODELWIRE_E_ARGUMENT},
        {modelwire_start(operation, NULL, BYTES(config), BYTES(request), 0, 0), MODELWIRE_E_ARGUMENT},
        {modelwire_start(operation, "\xff", BYTES(config), BYTES(request), 0, 0), MODELWIRE_E_ARGUMENT},
        {modelwire_start(operation, "nobody", BYTES(config), BYTES(request), 0, 0), MODELWIRE_E_PROVIDER},
        {modelwire_start(operation, "openai", BYTES("{"), BYTES(request), 0, 0), MODELWIRE_E_CONFIG},
        {modelwire_start(operation, "openai", NULL, 1, BYTES(request), 0, 0), MODELWIRE_E_ARGUMENT},
        {modelwire_start(operation, "openai", BYTES(config), NULL, 1, 0, 0), MODELWIRE_E_ARGUMENT},
        {modelwire_start(operation, "openai", BYTES(config), BYTES(request), 12345, 0), MODELWIRE_E_HANDLE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_EQ(next(cases[i].call), MODELWIRE_EVENT_ENDED);
        EXPECT(modelwire_finish(cases[i].call), cases[i].status);
    }

    modelwire_call call = start(MODELWIRE_OP_COMPLETIONS, ANSWERS);
    const uint8_t *data;
    size_t len;
    CHECK_EQ(modelwire_next(call, 0, NULL, &len), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(modelwire_next(call, 0, &data, NULL), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_finish(call), MODELWIRE_OK); /* none of it did harm */
}

static void check_finish_unread(void)
{
    EXPECT(modelwire_finish(start(MODELWIRE_OP_COMPLETIONS, ANSWERS)), MODELWIRE_OK);
    EXPECT(modelwire_finish(start(MODELWIRE_OP_COMPLETIONS_STREAM, ANSWERS)), MODELWIRE_OK);
    EXPECT(modelwire_finish(start(MODELWIRE_OP_COMPLETIONS_STREAM, FLOODS)), MODELWIRE_OK);
    EXPECT(modelwire_finish(start(MODELWIRE_OP_COMPLETIONS_STREAM, BREAKS)), MODELWIRE_E_TRUNCATED);
}

static void check_cancel(void)
{
    modelwire_call call = start(MODELWIRE_OP_COMPLETIONS_STREAM, GOES_ON);
    const uint8_t *data;
    size_t len;
    CHECK_EQ(next(call), MODELWIRE_EVENT_OPENED);
    CHECK_EQ(next(call), MODELWIRE_EVENT_LINES);
    CHECK_EQ(modelwire_next(call, 0, &data, &len), MODELWIRE_EVENT_AGAIN);
    CHECK_EQ(modelwire_next(call, 10, &data, &len), MODELWIRE_EVENT_AGAIN);
    CHECK_EQ(modelwire_cancel(call), MODELWIRE_OK);
    CHECK_EQ(modelwire_cancel(call), MODELWIRE_OK);
    CHECK_EQ(next(call), MODELWIRE_EVENT_ENDED);
    CHECK_EQ(modelwire_cancel(call), MODELWIRE_OK);
    EXPECT_INFO(modelwire_finish(call), MODELWIRE_E_CANCELLED, "\"end\":\"cancelled\"");

    call = start(MODELWIRE_OP_COMPLETIONS_STREAM, GOES_ON);
    modelwire_cancel(call); /* before anything was read */
    EXPECT(modelwire_finish(call), MODELWIRE_E_CANCELLED);
}

static void expect_stale(modelwire_call call)
{
    CHECK_EQ(next(call), MODELWIRE_E_HANDLE);
    CHECK_EQ(modelwire_cancel(call), MODELWIRE_E_HANDLE);
    CHECK_EQ(modelwire_release(call), MODELWIRE_E_HANDLE);
    EXPECT(modelwire_finish(call), MODELWIRE_E_HANDLE);
}

static void check_handles(void)
{
    expect_stale(0);
    expect_stale(1);
    expect_stale(UINT64_MAX);

    modelwire_call finished = start(MODELWIRE_OP_COMPLETIONS, ANSWERS);
    EXPECT(modelwire_finish(finished), MODELWIRE_OK);
    expect_stale(finished);

    modelwire_call released = start(MODELWIRE_OP_COMPLETIONS_STREAM, GOES_ON);
    CHECK_EQ(modelwire_release(released), MODELWIRE_OK);
    expect_stale(released);

    /* The slot of a freed call may serve another one; the old handle must not reach it. */
    modelwire_call successor = start(MODELWIRE_OP_COMPLETIONS, ANSWERS);
    CHECK(successor != finished && successor != released);
    expect_stale(finished);
    expect_stale(released);
    EXPECT(modelwire_finish(successor), MODELWIRE_OK);
}

void check_flight(void)
{
    check_events();
    check_other_operations();
    check_arguments();
    check_finish_unread();
    check_cancel();
    check_handles();
}
