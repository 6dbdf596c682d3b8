/* What the Go package asks of the library in one crossing each. Everything here is called
 * from native.go; nothing calls back into Go and nothing keeps a pointer it was given. */
#ifndef MODELWIRE_GO_SHIM_H
#define MODELWIRE_GO_SHIM_H

#include <modelwire.h>

/* What mw_take found. */
typedef struct {
    /* MODELWIRE_EVENT_AGAIN: nothing more now, and the poller will report the call again.
     * MODELWIRE_EVENT_LINES: `more` did not fit; take again after copying it.
     * MODELWIRE_EVENT_ENDED: the call is freed and `result` is the caller's to free.
     * Negative: a status; the call is as it was. */
    int32_t event;
    int32_t opened;       /* 1 when the opening was among what was taken */
    size_t written;       /* bytes of lines in `space` */
    const uint8_t *more;  /* valid until the next mw_take or release of this call */
    size_t more_len;
    modelwire_result *result;
    int32_t status;       /* of the result */
    const uint8_t *body;  /* of the result */
    size_t body_len;
} mw_taken;

/* Takes all that waits: lines go to `space`, as many batches as fit. Never blocks. */
mw_taken mw_take(modelwire_call call, uint8_t *space, size_t room);

/* What a result says beside its body. */
typedef struct {
    int32_t status;
    int32_t http_status;
    const uint8_t *body;
    size_t body_len;
    const char *message;
    const uint8_t *info;
    size_t info_len;
} mw_said;

mw_said mw_read(const modelwire_result *result);

/* Splits bytes into lines, each ended by one '\n' in `data` until the next feed or end. */
typedef struct {
    modelwire_sse *sse;
    uint8_t *data;
    size_t len, capacity;
} mw_splitter;

mw_splitter *mw_splitter_new(void); /* NULL: no memory */
int32_t mw_splitter_feed(mw_splitter *splitter, const uint8_t *bytes, size_t len); /* as modelwire_sse_feed */
int32_t mw_splitter_end(mw_splitter *splitter);
void mw_splitter_free(mw_splitter *splitter);

#endif
