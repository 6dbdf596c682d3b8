/* The SSE splitter: lines out of bytes, whatever their pieces. */
#include <stdio.h>
#include <string.h>

#include "chapters.h"
#include "check.h"

/* The lines that came, each in brackets: "[data: a][]". */
struct lines {
    char text[256];
    const char *stop_at; /* NULL: never */
};

static int32_t on_line(void *user_data, const uint8_t *line, size_t len)
{
    struct lines *lines = user_data;
    size_t used = strlen(lines->text);
    snprintf(lines->text + used, sizeof lines->text - used, "[%.*s]", (int)len, (const char *)line);
    return lines->stop_at != NULL && holds(line, len, lines->stop_at);
}

/* Feeds the input in pieces of this size and ends it; answers the last status. */
static int32_t split(const char *input, size_t piece, struct lines *lines)
{
    modelwire_sse *sse = modelwire_sse_new();
    int32_t status = 0;
    CHECK(sse != NULL);
    for (size_t at = 0; at < strlen(input); at += piece) {
        size_t left = strlen(input) - at;
        status = modelwire_sse_feed(sse, (const uint8_t *)input + at, left < piece ? left : piece, on_line, lines);
    }
    int32_t end = modelwire_sse_end(sse, on_line, lines);
    modelwire_sse_free(sse);
    return end < 0 ? end : status;
}

static void check_lines(void)
{
    static const struct {
        const char *input, *lines;
        int32_t status;
    } cases[] = {
        {"", "", 0},
        {"data: a\n\n", "[data: a][]", 0},
        {"data: a\r\n\r\n", "[data: a][]", 0},
        {"data: a\r\r\n", "[data: a\r]", 0},
        {": ping\nevent: x\nid:1\n", "[: ping][event: x][id:1]", 0},
        {"data: a\ndata: cut", "[data: a][data: cut]", 0},
        {"data: [DONE]\ndata: later\n", "[data: [DONE]]", 1},
        {"data:[DONE] \r\nlater", "[data:[DONE] ]", 1},
        {"data: [DONE", "[data: [DONE]", 0},
        {"\xff\xfe\n", "[\xff\xfe]", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t piece = 1; piece <= 32; piece *= 2) {
            struct lines lines = {0};
            CHECK_EQ(split(cases[i].input, piece, &lines), cases[i].status);
            CHECK_TEXT(lines.text, cases[i].lines);
        }
}

static void check_stop(void)
{
    for (size_t piece = 1; piece <= 32; piece *= 2) {
        struct lines lines = {.stop_at = "b"};
        CHECK_EQ(split("a\nb\nc\n", piece, &lines), 1);
        CHECK_TEXT(lines.text, "[a][b]");
    }
}

static void check_misuse(void)
{
    struct lines lines = {0};
    modelwire_sse *sse = modelwire_sse_new();
    CHECK_EQ(modelwire_sse_feed(sse, NULL, 0, on_line, &lines), 0);
    CHECK_EQ(modelwire_sse_feed(sse, NULL, 1, on_line, &lines), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(modelwire_sse_feed(sse, BYTES("a\n"), NULL, NULL), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(modelwire_sse_end(sse, NULL, NULL), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(modelwire_sse_feed(NULL, BYTES("a\n"), on_line, &lines), MODELWIRE_E_ARGUMENT);
    CHECK_EQ(modelwire_sse_end(NULL, on_line, &lines), MODELWIRE_E_ARGUMENT);
    CHECK_TEXT(lines.text, "");
    modelwire_sse_free(sse);
    modelwire_sse_free(NULL);
}

void check_splitter(void)
{
    check_lines();
    check_stop();
    check_misuse();
}
