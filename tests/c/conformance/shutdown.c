/* Shutting down and starting afresh. */
#include <string.h>

#include "chapters.h"
#include "check.h"
#include "upstream.h"

/* What runs is ended, what the host holds stays its own. */
static void check_with_work(void)
{
    modelwire_result *kept = complete(ANSWERS);
    modelwire_call running = start(MODELWIRE_OP_COMPLETIONS_STREAM, GOES_ON);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);

    size_t len;
    const uint8_t *body = modelwire_result_body(kept, &len);
    CHECK_HAS(body, len, "\"choices\"");
    EXPECT(kept, MODELWIRE_OK);

    modelwire_result *result = modelwire_finish(running);
    int32_t status = modelwire_result_status(result);
    CHECK(status == MODELWIRE_E_CANCELLED || status == MODELWIRE_E_SHUTDOWN);
    modelwire_result_free(result);
}

/* A grace lets short work end by itself. */
static void check_grace(void)
{
    modelwire_call call = start(MODELWIRE_OP_COMPLETIONS, ANSWERS);
    CHECK_EQ(modelwire_shutdown(60000), MODELWIRE_OK);
    EXPECT_BODY(modelwire_finish(call), MODELWIRE_OK, "\"choices\"");
}

static void check_afresh(void)
{
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK); /* nothing runs */
    EXPECT(modelwire_init(BYTES("{\"worker_threads\":1}")), MODELWIRE_OK);
    EXPECT(complete(ANSWERS), MODELWIRE_OK);
    EXPECT(modelwire_stats(), MODELWIRE_OK);
}

void check_shutdown(void)
{
    check_with_work();
    check_grace();
    check_afresh();
}
