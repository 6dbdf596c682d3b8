/* What both libcurl clients do with a body: count its lines. */
#ifndef TAKE_H
#define TAKE_H
#include "common.h"

static size_t lines;

static size_t take(char *data, size_t size, size_t count, void *user)
{
    size_t len = size * count;
    char *at = data, *end = data + len;
    (void)user;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        lines++;
        at++;
    }
    return len;
}
#endif
