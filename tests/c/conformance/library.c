/* Versions, status names, init, describe, stats. */
#include <limits.h>
#include <string.h>

#include "chapters.h"
#include "check.h"

static void check_versions(void)
{
    CHECK_EQ(modelwire_abi_version(), MODELWIRE_ABI_VERSION);
    const char *version = modelwire_version();
    CHECK(version != NULL && strchr(version, '.') != NULL);
    CHECK(version == modelwire_version()); /* static */
}

static void check_status_names(void)
{
    static const struct {
        int32_t status;
        const char *name;
    } names[] = {
        {MODELWIRE_OK, "ok"},
        {MODELWIRE_E_ARGUMENT, "argument"},
        {MODELWIRE_E_HANDLE, "handle"},
        {MODELWIRE_E_CONFIG, "config"},
        {MODELWIRE_E_PROVIDER, "provider"},
        {MODELWIRE_E_REQUEST, "request"},
        {MODELWIRE_E_MODEL_NOT_ALLOWED, "model_not_allowed"},
        {MODELWIRE_E_CREDENTIALS, "credentials"},
        {MODELWIRE_E_CONNECT, "connect"},
        {MODELWIRE_E_TLS, "tls"},
        {MODELWIRE_E_TIMEOUT, "timeout"},
        {MODELWIRE_E_CANCELLED, "cancelled"},
        {MODELWIRE_E_BACKEND, "backend"},
        {MODELWIRE_E_TRUNCATED, "truncated"},
        {MODELWIRE_E_PROTOCOL, "protocol"},
        {MODELWIRE_E_STREAM, "stream"},
        {MODELWIRE_E_BUSY, "busy"},
        {MODELWIRE_E_SHUTDOWN, "shutdown"},
        {MODELWIRE_E_FORKED, "forked"},
        {MODELWIRE_E_PANIC, "panic"},
        {1, "unknown"},
        {-8, "unknown"},
        {INT32_MAX, "unknown"},
        {INT32_MIN, "unknown"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK_TEXT(modelwire_status_name(names[i].status), names[i].name);
}

static void check_init(void)
{
    EXPECT(modelwire_init(BYTES("{")), MODELWIRE_E_CONFIG);
    EXPECT(modelwire_init(BYTES("{\"connect_timeout_ms\":\"soon\"}")), MODELWIRE_E_CONFIG);
    EXPECT(modelwire_init(NULL, 2), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_init(BYTES("{\"connect_timeout_ms\":5000}")), MODELWIRE_OK);
    EXPECT(modelwire_init(BYTES("{}")), MODELWIRE_E_ARGUMENT); /* it runs already */
}

static void check_accounts(void)
{
    EXPECT_BODY(modelwire_describe(), MODELWIRE_OK, modelwire_version());
    EXPECT_BODY(modelwire_describe(), MODELWIRE_OK, "openai_compatible");
    EXPECT_BODY(modelwire_stats(), MODELWIRE_OK, "{");
}

void check_library(void)
{
    check_versions();
    check_status_names();
    check_init();
    check_accounts();
}
