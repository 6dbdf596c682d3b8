/* A host whose address space is limited (RLIMIT_AS, `ulimit -v`): what is refused is refused with
 * a status, what fits goes on, and after the limit is lifted all is as before. Twice at the start,
 * where threads cannot be had, and then with the library running.
 *
 * Some room is left each time, for the small pieces that every call needs: when one of those is
 * refused the process ends, as that of nearly every Rust or C++ program does. */
#define _GNU_SOURCE
#include "guest.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define MB ((size_t)1024 * 1024)

enum { STREAMS = 50, ROUNDS = 8 };

static const size_t LARGE = 64 * MB;

static size_t address_space(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK_EQ(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* No more than `room` bytes beyond what is in use now. */
static void limit_to(size_t room) {
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = address_space() + room;
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    CHECK(mmap(NULL, room + MB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    CHECK_EQ(errno, ENOMEM);
}

static void lift(void) {
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

static int32_t init(const char *options) {
    modelwire_result *result = modelwire_init((const uint8_t *)options, strlen(options));
    int32_t status = modelwire_result_status(result);
    modelwire_result_free(result);
    return status;
}

/* There is room for none of the threads, or for some of them and not for all. */
static void cannot_start(const char *url, const char *options, size_t room) {
    limit_to(room);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(init(options), MODELWIRE_E_SHUTDOWN);
    }
    lift();
    CHECK_EQ(init(options), MODELWIRE_OK);
    CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
}

/* The library keeps no copy that there is no room for, whichever way the request comes. */
static void uploads(const char *url, const uint8_t *body, size_t len, int32_t expected) {
    char room[512];
    const char *text = guest_config(room, url, "ok");
    const uint8_t *config = (const uint8_t *)text;
    size_t config_len = strlen(text);
    modelwire_result *results[] = {
        modelwire_completions(PROVIDER, config, config_len, body, len),
        modelwire_completions_stream(PROVIDER, config, config_len, body, len, guest_ignore_line, NULL),
        modelwire_finish(modelwire_start(MODELWIRE_OP_COMPLETIONS_STREAM, PROVIDER, config, config_len, body, len, 0, 0)),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        CHECK_EQ(modelwire_result_status(results[i]), expected);
        modelwire_result_free(results[i]);
    }
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    const char *url = argv[1];
    /* A worker's stack has 2 MB. */
    cannot_start(url, "{\"worker_threads\":1}", MB);
    cannot_start(url, "{\"worker_threads\":32}", 16 * MB);

    const char *begin = "{\"model\":\"m\",\"x\":\"";
    uint8_t *body = malloc(LARGE);
    CHECK(body != NULL);
    memset(body, 'x', LARGE);
    memcpy(body, begin, strlen(begin));
    memcpy(body + LARGE - 2, "\"}", 2);
    CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);

    limit_to(32 * MB);
    static modelwire_call open[STREAMS];
    const uint8_t *data;
    size_t len;
    for (int i = 0; i < STREAMS; i++) {
        open[i] = guest_start(url, "open", MODELWIRE_OP_COMPLETIONS_STREAM);
        CHECK_EQ(modelwire_next(open[i], 60000, &data, &len), MODELWIRE_EVENT_OPENED);
    }
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_EQ(guest_call(url, "large"), MODELWIRE_E_PROTOCOL);
        CHECK_EQ(guest_call(url, "announced"), MODELWIRE_E_PROTOCOL);
        uploads(url, body, LARGE, MODELWIRE_E_REQUEST);
        CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
        CHECK_EQ(guest_stream(url, "lines", guest_ignore_line, NULL), MODELWIRE_OK);
    }
    for (int i = 0; i < STREAMS; i++) {
        CHECK_EQ(modelwire_next(open[i], 60000, &data, &len), MODELWIRE_EVENT_LINES);
        CHECK_EQ(modelwire_cancel(open[i]), MODELWIRE_OK);
        CHECK_EQ(guest_finish(open[i]), MODELWIRE_E_CANCELLED);
    }
    lift();
    CHECK_EQ(guest_call(url, "large"), MODELWIRE_OK);
    uploads(url, body, LARGE, MODELWIRE_OK);
    free(body);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
