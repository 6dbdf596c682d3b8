/* One thread follows fifty calls; a descriptor and a wake-up for event loops. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <string.h>

#include "chapters.h"
#include "check.h"
#include "upstream.h"

enum { CALLS = 50, CAPACITY = 7, PATIENCE_MS = 60000 };

struct followed {
    modelwire_call call;
    unsigned opened;
    unsigned lines;
    bool ended;
};

/* Takes everything that waits. Answers whether the call has ended. */
static bool take(struct followed *followed)
{
    for (;;) {
        const uint8_t *data;
        size_t len;
        int32_t event = modelwire_next(followed->call, 0, &data, &len);
        if (event == MODELWIRE_EVENT_AGAIN)
            return false;
        followed->opened += event == MODELWIRE_EVENT_OPENED;
        followed->lines += event == MODELWIRE_EVENT_LINES;
        if (event == MODELWIRE_EVENT_ENDED || event < 0)
            return true;
    }
}

static bool readable(modelwire_poller poller, int timeout_ms)
{
    struct pollfd descriptor = {.fd = modelwire_poller_fd(poller), .events = POLLIN};
    return descriptor.fd >= 0 && poll(&descriptor, 1, timeout_ms) == 1;
}

static void check_fifty(void)
{
    static struct followed calls[CALLS];
    modelwire_poller poller = modelwire_poller_new();
    for (uint64_t token = 0; token < CALLS; token++)
        calls[token] = (struct followed){.call = start_polled(ANSWERS, poller, token)};

    unsigned ended = 0;
    bool sound = true;
    while (ended < CALLS && sound) {
        uint64_t tokens[CAPACITY];
        sound = readable(poller, PATIENCE_MS);
        int32_t count = modelwire_poller_wait(poller, PATIENCE_MS, tokens, CAPACITY);
        sound = sound && count > 0 && count <= CAPACITY;
        for (int32_t i = 0; i < count && sound; i++) {
            sound = tokens[i] < CALLS && !calls[tokens[i]].ended;
            if (sound && take(&calls[tokens[i]])) {
                calls[tokens[i]].ended = true;
                EXPECT_INFO(modelwire_finish(calls[tokens[i]].call), MODELWIRE_OK, "\"end\":\"done\"");
                ended++;
            }
        }
    }
    CHECK(sound);
    CHECK_EQ(ended, CALLS);
    for (int i = 0; i < CALLS; i++)
        CHECK(calls[i].opened == 1 && calls[i].lines > 0);

    uint64_t token;
    CHECK_EQ(modelwire_poller_wait(poller, 0, &token, 1), 0); /* finished calls are not reported */
    CHECK(!readable(poller, 0));
    CHECK_EQ(modelwire_poller_free(poller), MODELWIRE_OK);
}

/* A token comes once, and again only after modelwire_next answered AGAIN. */
static void check_edges(void)
{
    const uint8_t *data;
    size_t len;
    uint64_t token = 0;
    modelwire_poller poller = modelwire_poller_new();
    modelwire_call call = start_polled(GOES_ON, poller, 77);

    CHECK_EQ(modelwire_poller_wait(poller, PATIENCE_MS, &token, 1), 1);
    CHECK_EQ(token, 77);
    CHECK_EQ(modelwire_poller_wait(poller, 0, &token, 1), 0);
    CHECK_EQ(modelwire_next(call, PATIENCE_MS, &data, &len), MODELWIRE_EVENT_OPENED);
    CHECK_EQ(modelwire_next(call, PATIENCE_MS, &data, &len), MODELWIRE_EVENT_LINES);
    CHECK_EQ(modelwire_next(call, 0, &data, &len), MODELWIRE_EVENT_AGAIN);
    CHECK_EQ(modelwire_cancel(call), MODELWIRE_OK);
    CHECK_EQ(modelwire_poller_wait(poller, PATIENCE_MS, &token, 1), 1);
    CHECK_EQ(modelwire_next(call, 0, &data, &len), MODELWIRE_EVENT_ENDED);
    EXPECT(modelwire_finish(call), MODELWIRE_E_CANCELLED);

    /* A released call is forgotten although its token waited. */
    call = start_polled(REFUSES, poller, 78);
    CHECK(readable(poller, PATIENCE_MS));
    CHECK_EQ(modelwire_release(call), MODELWIRE_OK);
    CHECK_EQ(modelwire_poller_wait(poller, 0, &token, 1), 0);

    /* A poller may go before its calls do. */
    call = start_polled(GOES_ON, poller, 79);
    CHECK_EQ(modelwire_poller_free(poller), MODELWIRE_OK);
    CHECK_EQ(modelwire_cancel(call), MODELWIRE_OK);
    EXPECT(modelwire_finish(call), MODELWIRE_E_CANCELLED);
}

static void check_wake(void)
{
    uint64_t token;
    modelwire_poller poller = modelwire_poller_new();
    CHECK(poller != 0);
    CHECK_EQ(modelwire_poller_wait(poller, 0, &token, 1), 0);
    CHECK_EQ(modelwire_poller_wait(poller, 10, &token, 1), 0);
    CHECK_EQ(modelwire_poller_wake(poller), MODELWIRE_OK);
    CHECK(readable(poller, PATIENCE_MS));
    CHECK_EQ(modelwire_poller_wait(poller, PATIENCE_MS, &token, 1), 0);
    CHECK_EQ(modelwire_poller_free(poller), MODELWIRE_OK);
}

static void expect_stale(modelwire_poller poller)
{
    uint64_t token;
    CHECK_EQ(modelwire_poller_wait(poller, 0, &token, 1), MODELWIRE_E_HANDLE);
    CHECK_EQ(modelwire_poller_fd(poller), MODELWIRE_E_HANDLE);
    CHECK_EQ(modelwire_poller_wake(poller), MODELWIRE_E_HANDLE);
    CHECK_EQ(modelwire_poller_free(poller), MODELWIRE_E_HANDLE);
}

static void check_misuse(void)
{
    modelwire_poller poller = modelwire_poller_new();
    CHECK_EQ(modelwire_poller_wait(poller, 0, NULL, 1), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(modelwire_poller_free(poller), MODELWIRE_OK);
    expect_stale(poller);
    expect_stale(0);
    expect_stale(UINT64_MAX);
}

void check_poller(void)
{
    check_fifty();
    check_edges();
    check_wake();
    check_misuse();
}
