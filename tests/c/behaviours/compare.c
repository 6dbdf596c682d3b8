#include "compare.h"

#include <modelwire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much of a difference is printed. */
enum { SHOWN = 200 };

struct report {
    const struct behaviour *behaviour;
    const char *way;
    bool clean;
};

static void print_bytes(struct bytes bytes)
{
    printf("%zu bytes `", bytes.len);
    for (size_t i = 0; i < bytes.len && i < SHOWN; i++)
        putchar(bytes.data[i] == '\n' || (bytes.data[i] >= ' ' && bytes.data[i] <= '~') ? bytes.data[i] : '?');
    printf("`");
}

static void differ(struct report *report, const char *what, struct bytes actual, const char *relation,
                   struct bytes expected)
{
    report->clean = false;
    printf("failed: %s, %s: %s is ", report->behaviour->name.data, report->way, what);
    print_bytes(actual);
    printf(" and %s ", relation);
    print_bytes(expected);
    printf("\n");
}

static struct bytes text(const char *text)
{
    struct bytes bytes = {text, strlen(text)};
    return bytes;
}

static void check_bytes(struct report *report, const char *what, struct bytes actual, struct bytes expected)
{
    if (expected.data == NULL)
        return;
    if (actual.len != expected.len || (actual.len > 0 && memcmp(actual.data, expected.data, actual.len) != 0))
        differ(report, what, actual, "not", expected);
}

static void check_number(struct report *report, const char *what, long actual, struct bytes expected)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%ld", actual);
    check_bytes(report, what, text(digits), expected);
}

/* Where `fragment` stands in [from, end); NULL if nowhere. */
static const char *find(const char *from, const char *end, struct bytes fragment)
{
    for (; (size_t)(end - from) >= fragment.len; from++) {
        from = memchr(from, fragment.data[0], (size_t)(end - from));
        if (from == NULL || (size_t)(end - from) < fragment.len)
            return NULL;
        if (memcmp(from, fragment.data, fragment.len) == 0)
            return from;
    }
    return NULL;
}

/* How often `fragment` stands in the text as a whole value or member: a `,`, `}` or `]` follows. */
static size_t occurrences(struct bytes json, struct bytes fragment)
{
    const char *end = json.data + json.len, *at = json.data;
    size_t count = 0;
    while ((at = find(at, end, fragment)) != NULL) {
        at += fragment.len;
        if (at < end && strchr(",}]", *at) != NULL)
            count++;
    }
    return count;
}

static void check_fragments(struct report *report, const char *what, struct bytes json,
                            const struct fragments *fragments)
{
    for (size_t i = 0; i < fragments->count; i++)
        if (occurrences(json, fragments->at[i]) != 1)
            differ(report, what, json, "lacks", fragments->at[i]);
}

/* Every request that the upstream lists begins so. */
static size_t count_requests(struct bytes list)
{
    const struct bytes beginning = {"{\"body_base64\":", 15};
    const char *at = list.data;
    size_t count = 0;
    for (; (at = find(at, list.data + list.len, beginning)) != NULL; at++)
        count++;
    return count;
}

bool behaves(const struct behaviour *behaviour, const char *way, const struct outcome *outcome, const char *received)
{
    struct report report = {behaviour, way, true};
    check_bytes(&report, "status", text(modelwire_status_name(outcome->status)), behaviour->status);
    check_number(&report, "http_status", outcome->http_status, behaviour->http_status);
    check_bytes(&report, "lines", outcome->lines, behaviour->lines);
    check_bytes(&report, "body", outcome->body, behaviour->body);
    check_fragments(&report, "body", outcome->body, &behaviour->body_has);
    check_fragments(&report, "info", outcome->info, &behaviour->info_has);
    check_number(&report, "the number of requests", (long)count_requests(text(received)), behaviour->received);
    check_fragments(&report, "the request", text(received), &behaviour->received_has);
    return report.clean;
}
