/* A host that shuts the library down while 200 streams run: each ends once and says why. */
#include "guest.h"

enum { STREAMS = 200 };

int main(int argc, char **argv) {
    CHECK(argc > 1);
    static modelwire_call calls[STREAMS];
    const uint8_t *data;
    size_t len;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < STREAMS; i++) {
            calls[i] = guest_start(argv[1], "open", MODELWIRE_OP_COMPLETIONS_STREAM);
        }
        for (int i = 0; i < STREAMS; i++) {
            CHECK_EQ(modelwire_next(calls[i], 60000, &data, &len), MODELWIRE_EVENT_OPENED);
        }
        CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
        for (int i = 0; i < STREAMS; i++) {
            int32_t event;
            while ((event = modelwire_next(calls[i], 0, &data, &len)) == MODELWIRE_EVENT_LINES) {
            }
            CHECK_EQ(event, MODELWIRE_EVENT_ENDED);
            CHECK_EQ(guest_finish(calls[i]), MODELWIRE_E_SHUTDOWN);
            CHECK_EQ(modelwire_next(calls[i], 0, &data, &len), MODELWIRE_E_HANDLE);
        }
        CHECK_EQ(guest_call(argv[1], "ok"), MODELWIRE_OK);
    }
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
