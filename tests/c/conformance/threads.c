/* Several threads on one call, and a process that forks. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chapters.h"
#include "check.h"
#include "upstream.h"

enum { PATIENCE_MS = 60000, TRIES = 10000 };

static void nap(void)
{
    struct timespec millisecond = {.tv_nsec = 1000000};
    nanosleep(&millisecond, NULL);
}

struct reader {
    modelwire_call call;
    int32_t last_event;
};

/* Reads until the call ends; a collision with the other reader is tried again. */
static void *read_to_end(void *argument)
{
    struct reader *reader = argument;
    int32_t event;
    do {
        const uint8_t *data;
        size_t len;
        event = modelwire_next(reader->call, PATIENCE_MS, &data, &len);
    } while (event == MODELWIRE_E_BUSY || (event >= 0 && event != MODELWIRE_EVENT_ENDED));
    reader->last_event = event;
    return NULL;
}

/* One thread sleeps in modelwire_next; a second reader is told so, and may cancel. */
static void check_two_readers(void)
{
    modelwire_call call = start(MODELWIRE_OP_COMPLETIONS_STREAM, GOES_ON);
    struct reader reader = {.call = call};
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, read_to_end, &reader), 0);

    int32_t event = MODELWIRE_EVENT_AGAIN;
    for (int tries = 0; event != MODELWIRE_E_BUSY && tries < TRIES; tries++) {
        const uint8_t *data;
        size_t len;
        nap();
        event = modelwire_next(call, 0, &data, &len);
    }
    CHECK_EQ(event, MODELWIRE_E_BUSY);
    CHECK_EQ(modelwire_cancel(call), MODELWIRE_OK);

    pthread_join(thread, NULL);
    CHECK_EQ(reader.last_event, MODELWIRE_EVENT_ENDED);
    EXPECT(modelwire_finish(call), MODELWIRE_E_CANCELLED);
}

/* What the child of a fork finds, one bit each. */
enum { CHILD_NEXT = 1, CHILD_CANCEL = 2, CHILD_FINISH = 4, CHILD_STARTS_AFRESH = 8, CHILD_ALL = 15 };

static unsigned char look_in_child(modelwire_call parents_call)
{
    const uint8_t *data;
    size_t len;
    unsigned found = 0;
    if (modelwire_next(parents_call, 0, &data, &len) == MODELWIRE_E_FORKED)
        found |= CHILD_NEXT;
    if (modelwire_cancel(parents_call) == MODELWIRE_E_FORKED)
        found |= CHILD_CANCEL;
    modelwire_result *result = modelwire_finish(parents_call);
    if (modelwire_result_status(result) == MODELWIRE_E_FORKED)
        found |= CHILD_FINISH;
    modelwire_result_free(result);
    result = complete(ANSWERS);
    if (modelwire_result_status(result) == MODELWIRE_OK)
        found |= CHILD_STARTS_AFRESH;
    modelwire_result_free(result);
    return (unsigned char)found;
}

/* The child answers through a pipe: its exit status belongs to a leak checker. */
static void check_fork(void)
{
    modelwire_call call = start(MODELWIRE_OP_COMPLETIONS_STREAM, GOES_ON);
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        unsigned char found = look_in_child(call);
        _exit(write(ends[1], &found, 1) == 1 ? 0 : 1);
    }
    CHECK(child > 0);
    close(ends[1]);
    unsigned char found = 0;
    CHECK_EQ(read(ends[0], &found, 1), 1);
    CHECK_EQ(found, CHILD_ALL);
    close(ends[0]);
    waitpid(child, NULL, 0);

    CHECK_EQ(modelwire_cancel(call), MODELWIRE_OK); /* the parent is as it was */
    EXPECT(modelwire_finish(call), MODELWIRE_E_CANCELLED);
}

void check_threads(void)
{
    check_two_readers();
    check_fork();
}
