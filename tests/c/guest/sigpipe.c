/* A host that left SIGPIPE as it is uploads 20 MB to peers that close or reset meanwhile. The
 * default action of that signal would end this program. */
#include "guest.h"
#include <signal.h>

enum { UPLOAD = 20 * 1024 * 1024 };

static int32_t upload(const char *url, const char *script, const uint8_t *body, size_t len, uint32_t operation) {
    char room[512];
    const char *config = guest_config(room, url, script);
    return guest_finish(modelwire_start(operation, PROVIDER, (const uint8_t *)config, strlen(config), body, len, 0, 0));
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    const char *begin = "{\"model\":\"m\",\"x\":\"";
    uint8_t *body = malloc(UPLOAD);
    CHECK(body != NULL);
    memset(body, 'x', UPLOAD);
    memcpy(body, begin, strlen(begin));
    memcpy(body + UPLOAD - 2, "\"}", 2);
    for (int round = 0; round < 4; round++) {
        CHECK_EQ(upload(argv[1], "closes", body, UPLOAD, MODELWIRE_OP_COMPLETIONS), MODELWIRE_E_TRUNCATED);
        CHECK_EQ(upload(argv[1], "closes", body, UPLOAD, MODELWIRE_OP_COMPLETIONS_STREAM), MODELWIRE_E_TRUNCATED);
        CHECK_EQ(upload(argv[1], "resets", body, UPLOAD, MODELWIRE_OP_COMPLETIONS), MODELWIRE_E_TRUNCATED);
    }
    CHECK_EQ(upload(argv[1], "ok", body, UPLOAD, MODELWIRE_OP_COMPLETIONS), MODELWIRE_OK);
    free(body);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    struct sigaction now;
    CHECK_EQ(sigaction(SIGPIPE, NULL, &now), 0);
    CHECK(now.sa_handler == SIG_DFL);
    return 0;
}
