/* A host that has no file descriptor left: calls end with a status, and work again as soon as
 * there are some. Once with the library running, once with it still to start. */
#include "guest.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LIMIT = 128 };

static int taken[LIMIT];
static int count;

static void take_all(void) {
    while (count < LIMIT) {
        int descriptor = open("/dev/null", O_RDONLY);
        if (descriptor < 0) {
            CHECK_EQ(errno, EMFILE);
            return;
        }
        taken[count++] = descriptor;
    }
    CHECK(!"the limit holds");
}

static void give_back(int how_many) {
    while (count > 0 && how_many-- > 0) {
        close(taken[--count]);
    }
}

/* Whatever a call that needs a connection says now, it says that it failed, and says it at
 * once. */
static void fails(const char *url) {
    CHECK(guest_finish(guest_start(url, "lines", MODELWIRE_OP_COMPLETIONS_STREAM)) < 0);
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = LIMIT;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);

    take_all();
    for (int i = 0; i < 20; i++) {
        CHECK(guest_call(argv[1], "ok") < 0);
        fails(argv[1]);
    }
    /* Some, but too few for all that a start needs. */
    for (int few = 1; few < 4; few++) {
        give_back(1);
        int32_t status = guest_call(argv[1], "ok");
        CHECK(status <= 0);
        CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    }
    give_back(LIMIT);
    CHECK_EQ(guest_call(argv[1], "ok"), MODELWIRE_OK);

    /* Running, with one idle connection, that of the call before: it still serves those who
     * wait for their answer; a new one cannot be had. */
    modelwire_call open = guest_start(argv[1], "open", MODELWIRE_OP_COMPLETIONS_STREAM);
    const uint8_t *data;
    size_t len;
    CHECK_EQ(modelwire_next(open, 60000, &data, &len), MODELWIRE_EVENT_OPENED);
    take_all();
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(guest_call(argv[1], "ok"), MODELWIRE_OK);
        CHECK(guest_call(argv[1], "fails") < 0);
        fails(argv[1]);
    }
    CHECK_EQ(modelwire_next(open, 60000, &data, &len), MODELWIRE_EVENT_LINES);
    CHECK_EQ(modelwire_poller_free(modelwire_poller_new()), MODELWIRE_OK);
    give_back(LIMIT);
    CHECK_EQ(guest_call(argv[1], "ok"), MODELWIRE_OK);
    CHECK_EQ(modelwire_cancel(open), MODELWIRE_OK);
    CHECK_EQ(guest_finish(open), MODELWIRE_E_CANCELLED);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
