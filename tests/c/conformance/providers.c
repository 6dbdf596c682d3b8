/* What is decided without the network: names, options, dry runs, what a probe status means. */
#include <string.h>

#include "chapters.h"
#include "check.h"
#include "upstream.h"

static void check_names(void)
{
    static const char *const names[] = {"openai", "openai_compatible", "anthropic", "google", "vertex",
                                        "azure",  "bedrock",           "mistral",   "groq",   "deepseek"};
    const char *supported = modelwire_supported_providers();
    CHECK(supported == modelwire_supported_providers()); /* static */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK_EQ(modelwire_is_valid_provider(names[i]), 1);
        CHECK_HAS(supported, strlen(supported), names[i]);
    }
    CHECK_EQ(modelwire_is_valid_provider(NULL), 0);
    CHECK_EQ(modelwire_is_valid_provider(""), 0);
    CHECK_EQ(modelwire_is_valid_provider("OpenAI"), 0);
    CHECK_EQ(modelwire_is_valid_provider("\xff"), 0);
}

static void check_options(void)
{
    EXPECT_BODY(modelwire_validate_provider_options("openai", BYTES("{\"api\":\"responses\"}")), MODELWIRE_OK,
                "responses");
    EXPECT(modelwire_validate_provider_options("openai", NULL, 0), MODELWIRE_OK);
    EXPECT(modelwire_validate_provider_options("openai", BYTES("{\"api\":\"telepathy\"}")), MODELWIRE_E_CONFIG);
    EXPECT(modelwire_validate_provider_options("openai_compatible", BYTES("{}")), MODELWIRE_E_CONFIG);
    EXPECT(modelwire_validate_provider_options("vertex", BYTES("{\"project\":1}")), MODELWIRE_E_CONFIG);
    EXPECT(modelwire_validate_provider_options("openai", BYTES("{")), MODELWIRE_E_CONFIG);
    EXPECT(modelwire_validate_provider_options("nobody", BYTES("{}")), MODELWIRE_E_PROVIDER);
    EXPECT(modelwire_validate_provider_options("\xff", BYTES("{}")), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_validate_provider_options(NULL, BYTES("{}")), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_validate_provider_options("openai", NULL, 2), MODELWIRE_E_ARGUMENT);
}

static void check_dry_run(void)
{
    const char *config = config_of(ANSWERS), *request = request_of(MODELWIRE_OP_COMPLETIONS);
    modelwire_result *result =
        modelwire_prepare(UPSTREAM_PROVIDER, BYTES(config), BYTES(request), MODELWIRE_OP_COMPLETIONS_STREAM);
    size_t len;
    const uint8_t *body = modelwire_result_body(result, &len);
    CHECK_HAS(body, len, "/chat/completions");
    CHECK_HAS(body, len, "[redacted]");
    CHECK_HAS_NOT(body, len, UPSTREAM_KEY);
    EXPECT(result, MODELWIRE_OK);

    EXPECT(modelwire_prepare("nobody", BYTES(config), BYTES(request), MODELWIRE_OP_COMPLETIONS),
           MODELWIRE_E_PROVIDER);
    EXPECT(modelwire_prepare(NULL, BYTES(config), BYTES(request), MODELWIRE_OP_COMPLETIONS), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_prepare(UPSTREAM_PROVIDER, BYTES("[]"), BYTES(request), MODELWIRE_OP_COMPLETIONS),
           MODELWIRE_E_CONFIG);
    EXPECT(modelwire_prepare(UPSTREAM_PROVIDER, NULL, 1, BYTES(request), MODELWIRE_OP_COMPLETIONS),
           MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_prepare(UPSTREAM_PROVIDER, BYTES(config), NULL, 1, MODELWIRE_OP_COMPLETIONS),
           MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_prepare(UPSTREAM_PROVIDER, BYTES(config), BYTES(request), 99), MODELWIRE_E_ARGUMENT);
}

static void check_verdicts(void)
{
    EXPECT_BODY(modelwire_classify_probe_status(NULL, 200), MODELWIRE_OK, "\"ok\":true");
    EXPECT_BODY(modelwire_classify_probe_status("openai", 401), MODELWIRE_OK, "\"stage\":\"authentication\"");
    EXPECT_BODY(modelwire_classify_probe_status("openai", 400), MODELWIRE_OK, "\"stage\":\"provider\"");
    EXPECT_BODY(modelwire_classify_probe_status("google", 400), MODELWIRE_OK, "\"stage\":\"authentication\"");
    EXPECT_BODY(modelwire_classify_probe_status(NULL, 500), MODELWIRE_OK, "\"status_code\":500");
    EXPECT(modelwire_classify_probe_status("\xff", 200), MODELWIRE_E_ARGUMENT);
}

void check_providers(void)
{
    check_names();
    check_options();
    check_dry_run();
    check_verdicts();
    CHECK_EQ(modelwire_set_default_http_timeout(0), MODELWIRE_OK);
    CHECK_EQ(modelwire_set_default_http_timeout(60000), MODELWIRE_OK);
}
