/* The operations that return when they are done. */
#include <stdio.h>
#include <string.h>

#include "chapters.h"
#include "check.h"
#include "upstream.h"

/* What a callback saw. */
struct seen {
    unsigned lines;
    unsigned stop_after; /* 0: never */
    bool done;           /* the [DONE] line came */
    bool terminated;     /* a line ended in CR or LF, which it must not */
    bool nested;         /* run another operation from inside the callback */
};

static int32_t on_line(void *user_data, const uint8_t *line, size_t len)
{
    struct seen *seen = user_data;
    seen->lines++;
    seen->done = seen->done || holds(line, len, "[DONE]");
    seen->terminated = seen->terminated || (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'));
    if (seen->nested) {
        seen->nested = false;
        EXPECT_BODY(complete(ANSWERS), MODELWIRE_OK, "\"choices\"");
    }
    return seen->lines == seen->stop_after;
}

static void check_completions(void)
{
    const char *config = config_of(ANSWERS), *request = request_of(MODELWIRE_OP_COMPLETIONS);
    EXPECT_BODY(complete(ANSWERS), MODELWIRE_OK, "\"choices\"");
    EXPECT(complete(REFUSES), MODELWIRE_E_BACKEND);
    EXPECT_INFO(complete(ABSENT), MODELWIRE_E_CONNECT, "\"retryable\":true");
    EXPECT(modelwire_completions(NULL, BYTES(config), BYTES(request)), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_completions("nobody", BYTES(config), BYTES(request)), MODELWIRE_E_PROVIDER);
    EXPECT(modelwire_completions(UPSTREAM_PROVIDER, BYTES("nonsense"), BYTES(request)), MODELWIRE_E_CONFIG);
    EXPECT(modelwire_completions(UPSTREAM_PROVIDER, NULL, 1, BYTES(request)), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_completions(UPSTREAM_PROVIDER, BYTES(config), NULL, 1), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_completions("openai", BYTES("{}"), BYTES(request)), MODELWIRE_E_CREDENTIALS);
    EXPECT(modelwire_completions("openai",
                                 BYTES("{\"credentials\":{\"api_key\":\"k\"},\"allowed_models\":[\"other\"]}"),
                                 BYTES(request)),
           MODELWIRE_E_MODEL_NOT_ALLOWED);
    EXPECT(modelwire_completions("google", BYTES("{\"credentials\":{\"api_key\":\"k\"}}"), BYTES("{}")),
           MODELWIRE_E_REQUEST);
}

static void check_stream(void)
{
    struct seen whole = {0};
    EXPECT_INFO(stream(ANSWERS, on_line, &whole), MODELWIRE_OK, "\"end\":\"done\"");
    CHECK(whole.done && !whole.terminated && whole.lines > 1);

    struct seen stopped = {.stop_after = 1};
    EXPECT_INFO(stream(GOES_ON, on_line, &stopped), MODELWIRE_OK, "\"end\":\"stopped\"");
    CHECK_EQ(stopped.lines, 1);

    struct seen nested = {.nested = true};
    EXPECT(stream(ANSWERS, on_line, &nested), MODELWIRE_OK);
    CHECK(nested.done);

    struct seen broken = {0};
    EXPECT_INFO(stream(BREAKS, on_line, &broken), MODELWIRE_E_TRUNCATED, "\"end\":\"error\"");
    CHECK(broken.lines > 0 && !broken.done);

    struct seen none = {0};
    EXPECT_BODY(stream(REFUSES, on_line, &none), MODELWIRE_E_BACKEND, "error");
    EXPECT(stream(ABSENT, on_line, &none), MODELWIRE_E_CONNECT);
    EXPECT(stream(ANSWERS, NULL, NULL), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(none.lines, 0);
}

static void check_probes(void)
{
    EXPECT_BODY(modelwire_test_connection(UPSTREAM_PROVIDER, BYTES(config_of(ANSWERS))), MODELWIRE_OK, "\"ok\":true");
    EXPECT_BODY(modelwire_test_connection(UPSTREAM_PROVIDER, BYTES(config_of(REJECTS))), MODELWIRE_OK,
                "\"stage\":\"authentication\"");
    EXPECT_BODY(modelwire_test_connection(UPSTREAM_PROVIDER, BYTES(config_of(ABSENT))), MODELWIRE_OK,
                "\"stage\":\"connectivity\"");
    EXPECT(modelwire_test_connection(NULL, BYTES("{}")), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_test_connection(UPSTREAM_PROVIDER, NULL, 1), MODELWIRE_E_ARGUMENT);

    EXPECT_BODY(modelwire_run_http_probe(UPSTREAM_PROVIDER, BYTES(probe_of(ANSWERS))), MODELWIRE_OK, "\"ok\":true");
    EXPECT_BODY(modelwire_run_http_probe(UPSTREAM_PROVIDER, BYTES(probe_of(REJECTS))), MODELWIRE_OK,
                "\"ok\":false");
    EXPECT(modelwire_run_http_probe(NULL, BYTES(probe_of(ANSWERS))), MODELWIRE_E_ARGUMENT);
    EXPECT(modelwire_run_http_probe(UPSTREAM_PROVIDER, NULL, 1), MODELWIRE_E_ARGUMENT);
}

void check_blocking(void)
{
    check_completions();
    check_stream();
    check_probes();
}
