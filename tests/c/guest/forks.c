/* A host that forks before it uses the library, while calls run, and after a shutdown. Each child
 * makes calls of its own and cannot touch the parent's; the parent's go on. */
#include "guest.h"
#include <sys/wait.h>
#include <unistd.h>

static void child_works(const char *url, modelwire_call parents) {
    if (parents != 0) {
        const uint8_t *data;
        size_t len;
        CHECK_EQ(modelwire_next(parents, 0, &data, &len), MODELWIRE_E_FORKED);
        CHECK_EQ(modelwire_cancel(parents), MODELWIRE_E_FORKED);
        CHECK_EQ(guest_finish(parents), MODELWIRE_E_FORKED);
        CHECK_EQ(modelwire_release(parents), MODELWIRE_E_FORKED);
    }
    CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
    CHECK_EQ(guest_stream(url, "fails", NULL, NULL), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(guest_finish(guest_start(url, "lines", MODELWIRE_OP_COMPLETIONS_STREAM)), MODELWIRE_OK);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
}

static void in_a_child(const char *url, modelwire_call parents) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        child_works(url, parents);
        /* Not _exit: what the library left for the end of the process runs too. */
        exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    const char *url = argv[1];
    in_a_child(url, 0);

    CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
    modelwire_call open = guest_start(url, "open", MODELWIRE_OP_COMPLETIONS_STREAM);
    const uint8_t *data;
    size_t len;
    CHECK_EQ(modelwire_next(open, 60000, &data, &len), MODELWIRE_EVENT_OPENED);
    for (int round = 0; round < 5; round++) {
        in_a_child(url, open);
        CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
    }
    CHECK_EQ(modelwire_next(open, 60000, &data, &len), MODELWIRE_EVENT_LINES);
    CHECK_EQ(modelwire_cancel(open), MODELWIRE_OK);
    CHECK_EQ(guest_finish(open), MODELWIRE_E_CANCELLED);

    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    in_a_child(url, 0);
    CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
