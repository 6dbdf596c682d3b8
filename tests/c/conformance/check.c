#include "check.h"

#include <stdio.h>
#include <string.h>

static unsigned passed, failed;

void check_true(bool condition, const char *what, const char *file, int line)
{
    if (condition) {
        passed++;
        return;
    }
    failed++;
    printf("%s:%d: failed: %s\n", file, line, what);
}

void check_equal(long long actual, long long expected, const char *what, const char *file, int line)
{
    char text[512];
    snprintf(text, sizeof text, "%s is %lld, not %lld", what, actual, expected);
    check_true(actual == expected, text, file, line);
}

void check_text(const char *actual, const char *expected, const char *what, const char *file, int line)
{
    char text[1024];
    snprintf(text, sizeof text, "%s is `%s`, not `%s`", what, actual == NULL ? "NULL" : actual, expected);
    check_true(actual != NULL && strcmp(actual, expected) == 0, text, file, line);
}

bool holds(const void *text, size_t len, const char *fragment)
{
    size_t fragment_len = strlen(fragment);
    for (size_t at = 0; at + fragment_len <= len; at++)
        if (memcmp((const char *)text + at, fragment, fragment_len) == 0)
            return true;
    return false;
}

void check_has(const void *text, size_t len, const char *fragment, bool wanted, const char *what,
               const char *file, int line)
{
    char message[1024];
    snprintf(message, sizeof message, "%s %s `%s`: %.*s", what, wanted ? "lacks" : "holds", fragment,
             (int)(len > 600 ? 600 : len), text == NULL ? "" : (const char *)text);
    check_true(holds(text, len, fragment) == wanted, message, file, line);
}

void check_result(modelwire_result *result, int32_t status, const char *body, const char *info,
                  const char *what, const char *file, int line)
{
    check_true(result != NULL, what, file, line);
    if (result == NULL)
        return;
    int32_t actual = modelwire_result_status(result);
    check_equal(actual, status, what, file, line);

    const char *message = modelwire_result_message(result);
    bool silent = message != NULL && message[0] == '\0';
    check_true(message != NULL && silent == (actual == MODELWIRE_OK), "a message exactly on failure", file, line);
    if (actual != status && message != NULL)
        printf("  it says: %s\n", message);

    size_t info_len = 0;
    const uint8_t *info_text = modelwire_result_info(result, &info_len);
    char name[64];
    snprintf(name, sizeof name, "\"status\":\"%s\"", modelwire_status_name(actual));
    check_has(info_text, info_len, name, true, "info", file, line);
    if (info != NULL)
        check_has(info_text, info_len, info, true, "info", file, line);

    size_t body_len = 0;
    const uint8_t *body_text = modelwire_result_body(result, &body_len);
    if (body != NULL)
        check_has(body_text, body_len, body, true, "body", file, line);
    modelwire_result_free(result);
}

bool check_summary(void)
{
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0;
}
