/* The behaviour list, in the form that the example `behaviours` prints: see
 * examples/behaviours/main.rs. It speaks no JSON; fragments of JSON are searched for. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that belong to the list; `data` is NULL where the entry says nothing. A NUL follows
 * them, so that what holds no NUL is a C string. */
struct bytes {
    const char *data;
    size_t len;
};

enum { MAX_FRAGMENTS = 24 };

struct fragments {
    struct bytes at[MAX_FRAGMENTS];
    size_t count;
};

struct behaviour {
    struct bytes name;
    struct bytes provider;
    struct bytes operation;
    struct bytes config; /* `{base}` stands in it */
    struct bytes request;
    struct bytes script;
    struct bytes cancel_after; /* "start", "sent" or a number of lines */
    struct bytes gate;
    struct bytes gate_after;
    struct bytes status;
    struct bytes http_status;
    struct bytes lines; /* each followed by one LF */
    struct bytes body;
    struct fragments body_has;
    struct fragments info_has;
    struct bytes received; /* "0" or "1" */
    struct fragments received_has;
};

struct list {
    char *text;
    size_t len;
    size_t at;
};

/* Reads the file; ends the program if it cannot. */
struct list list_open(const char *path);

/* Fills in the next entry; false after the last. Ends the program at a field it does not know.
 * The bytes are the list's. */
bool list_next(struct list *list, struct behaviour *behaviour);

void list_close(struct list *list);

/* Whether there are such bytes and they are this text. */
bool is_text(struct bytes bytes, const char *text);

/* The lines after which to cancel, or to open the gate; SIZE_MAX where there is no such number. */
size_t count_of(struct bytes bytes);

/* A fresh C string: the config with `{base}` replaced. */
char *config_at(const struct behaviour *behaviour, const char *base);

#ifdef __cplusplus
}
#endif
#endif
