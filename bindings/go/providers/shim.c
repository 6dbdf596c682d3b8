#include "shim.h"

#include <stdlib.h>
#include <string.h>

mw_taken mw_take(modelwire_call call, uint8_t *space, size_t room)
{
    mw_taken taken = {0};
    for (;;) {
        const uint8_t *data;
        size_t len;
        taken.event = modelwire_next(call, 0, &data, &len);
        switch (taken.event) {
        case MODELWIRE_EVENT_OPENED:
            taken.opened = 1;
            break;
        case MODELWIRE_EVENT_LINES:
            if (len > room - taken.written) {
                taken.more = data;
                taken.more_len = len;
                return taken;
            }
            memcpy(space + taken.written, data, len);
            taken.written += len;
            break;
        case MODELWIRE_EVENT_ENDED:
            taken.result = modelwire_finish(call);
            taken.status = modelwire_result_status(taken.result);
            taken.body = modelwire_result_body(taken.result, &taken.body_len);
            return taken;
        default:
            return taken;
        }
    }
}

mw_said mw_read(const modelwire_result *result)
{
    mw_said said;
    said.status = modelwire_result_status(result);
    said.http_status = modelwire_result_http_status(result);
    said.body = modelwire_result_body(result, &said.body_len);
    said.message = modelwire_result_message(result);
    said.info = modelwire_result_info(result, &said.info_len);
    return said;
}

mw_splitter *mw_splitter_new(void)
{
    mw_splitter *splitter = calloc(1, sizeof *splitter);
    if (splitter == NULL)
        return NULL;
    splitter->sse = modelwire_sse_new();
    if (splitter->sse == NULL) {
        free(splitter);
        return NULL;
    }
    return splitter;
}

static int reserve(mw_splitter *splitter, size_t extra)
{
    size_t capacity = splitter->capacity ? splitter->capacity : 4096;
    while (capacity - splitter->len < extra)
        capacity *= 2;
    if (capacity == splitter->capacity)
        return 1;
    uint8_t *data = realloc(splitter->data, capacity);
    if (data == NULL)
        return 0;
    splitter->data = data;
    splitter->capacity = capacity;
    return 1;
}

/* Stops the splitter when there is no memory, as a full stream would. */
static int32_t keep_line(void *user_data, const uint8_t *line, size_t line_len)
{
    mw_splitter *splitter = user_data;
    if (!reserve(splitter, line_len + 1))
        return 1;
    memcpy(splitter->data + splitter->len, line, line_len);
    splitter->len += line_len;
    splitter->data[splitter->len++] = '\n';
    return 0;
}

int32_t mw_splitter_feed(mw_splitter *splitter, const uint8_t *bytes, size_t len)
{
    splitter->len = 0;
    return modelwire_sse_feed(splitter->sse, bytes, len, keep_line, splitter);
}

int32_t mw_splitter_end(mw_splitter *splitter)
{
    splitter->len = 0;
    return modelwire_sse_end(splitter->sse, keep_line, splitter);
}

void mw_splitter_free(mw_splitter *splitter)
{
    if (splitter == NULL)
        return;
    modelwire_sse_free(splitter->sse);
    free(splitter->data);
    free(splitter);
}
