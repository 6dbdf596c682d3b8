/* Reading a result: what each accessor answers, on success, on failure and for NULL. */
#include <string.h>

#include "chapters.h"
#include "check.h"
#include "upstream.h"

static void check_null(void)
{
    size_t len = 1;
    CHECK_EQ(modelwire_result_status(NULL), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(modelwire_result_http_status(NULL), 0);
    modelwire_result_body(NULL, &len);
    CHECK_EQ(len, 0);
    len = 1;
    modelwire_result_info(NULL, &len);
    CHECK_EQ(len, 0);
    CHECK(modelwire_result_message(NULL) != NULL);
    modelwire_result_free(NULL);
}

static void check_success(void)
{
    modelwire_result *result = complete(ANSWERS);
    size_t len = 0;
    CHECK_EQ(modelwire_result_http_status(result), 200);
    const uint8_t *body = modelwire_result_body(result, &len);
    CHECK_HAS(body, len, "\"choices\"");
    CHECK(modelwire_result_body(result, NULL) == body); /* the length is optional */
    CHECK(modelwire_result_info(result, NULL) != NULL);
    EXPECT_INFO(result, MODELWIRE_OK, "\"phase\":\"done\"");
}

/* A provider's error comes through as it is, with what a relay needs. */
static void check_failure(void)
{
    modelwire_result *result = complete(REFUSES);
    size_t len = 0;
    const uint8_t *info = modelwire_result_info(result, &len);
    CHECK_EQ(modelwire_result_http_status(result), 429);
    CHECK_HAS(info, len, "\"retryable\":true");
    CHECK_HAS(info, len, "\"retry_after_ms\":");
    CHECK_HAS_NOT(info, len, UPSTREAM_KEY);
    CHECK_HAS_NOT(modelwire_result_message(result), strlen(modelwire_result_message(result)), UPSTREAM_KEY);
    EXPECT_BODY(result, MODELWIRE_E_BACKEND, "error");
}

void check_results(void)
{
    check_null();
    check_success();
    check_failure();
}
