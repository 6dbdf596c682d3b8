#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "behaviours: %s: %s\n", what, detail);
    exit(EXIT_FAILURE);
}

struct list list_open(const char *path)
{
    struct list list = {NULL, 0, 0};
    FILE *file = fopen(path, "rb");
    long len;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
        give_up("cannot open", path);
    list.len = (size_t)len;
    list.text = malloc(list.len + 1);
    if (list.text == NULL || fread(list.text, 1, list.len, file) != list.len)
        give_up("cannot read", path);
    list.text[list.len] = '\0';
    fclose(file);
    return list;
}

void list_close(struct list *list)
{
    free(list->text);
    list->text = NULL;
}

/* Takes `KEY LENGTH\n`, LENGTH bytes and `\n`. KEY and the bytes get a NUL behind them. */
static struct bytes next_field(struct list *list, const char **key)
{
    struct bytes value = {NULL, 0};
    char *text = list->text + list->at, *end = list->text + list->len;
    char *space = memchr(text, ' ', (size_t)(end - text)), *head;
    if (space == NULL)
        give_up("malformed list", "a field has no length");
    *space = '\0';
    *key = text;
    value.len = (size_t)strtoul(space + 1, &head, 10);
    if (*head != '\n' || value.len >= (size_t)(end - head) - 1 || head[value.len + 1] != '\n')
        give_up("malformed field", *key);
    value.data = head + 1;
    head[value.len + 1] = '\0';
    list->at += (size_t)(head - text) + value.len + 2;
    return value;
}

static void add_fragment(struct fragments *fragments, struct bytes fragment)
{
    if (fragments->count == MAX_FRAGMENTS)
        give_up("too many fragments, one is", fragment.data);
    fragments->at[fragments->count++] = fragment;
}

static struct bytes *single(struct behaviour *behaviour, const char *key)
{
    const struct {
        const char *key;
        struct bytes *place;
    } places[] = {
        {"name", &behaviour->name},
        {"provider", &behaviour->provider},
        {"operation", &behaviour->operation},
        {"config", &behaviour->config},
        {"request", &behaviour->request},
        {"script", &behaviour->script},
        {"cancel_after", &behaviour->cancel_after},
        {"gate", &behaviour->gate},
        {"gate_after", &behaviour->gate_after},
        {"status", &behaviour->status},
        {"http_status", &behaviour->http_status},
        {"lines", &behaviour->lines},
        {"body", &behaviour->body},
        {"received", &behaviour->received},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(places[i].key, key) == 0)
            return places[i].place;
    return NULL;
}

static struct fragments *several(struct behaviour *behaviour, const char *key)
{
    if (strcmp(key, "body_has") == 0)
        return &behaviour->body_has;
    if (strcmp(key, "info_has") == 0)
        return &behaviour->info_has;
    if (strcmp(key, "received_has") == 0)
        return &behaviour->received_has;
    return NULL;
}

bool list_next(struct list *list, struct behaviour *behaviour)
{
    const char *key;
    memset(behaviour, 0, sizeof *behaviour);
    if (list->at == list->len)
        return false;
    for (;;) {
        struct bytes value = next_field(list, &key);
        struct bytes *place = single(behaviour, key);
        struct fragments *fragments = several(behaviour, key);
        if (strcmp(key, "end") == 0)
            return true;
        if (place != NULL)
            *place = value;
        else if (fragments != NULL)
            add_fragment(fragments, value);
        else
            give_up("unknown field", key);
    }
}

bool is_text(struct bytes bytes, const char *text)
{
    return bytes.data != NULL && strcmp(bytes.data, text) == 0;
}

size_t count_of(struct bytes bytes)
{
    char *end;
    unsigned long count;
    if (bytes.data == NULL)
        return SIZE_MAX;
    count = strtoul(bytes.data, &end, 10);
    return end == bytes.data ? SIZE_MAX : (size_t)count;
}

char *config_at(const struct behaviour *behaviour, const char *base)
{
    static const char placeholder[] = "{base}";
    const size_t placeholder_len = sizeof placeholder - 1, base_len = strlen(base);
    const char *from = behaviour->config.data, *found;
    /* Every placeholder takes at least its own length from the text. */
    char *config = malloc((behaviour->config.len / placeholder_len + 1) * (base_len + placeholder_len) + 1);
    size_t len = 0;
    if (config == NULL)
        give_up("no memory for", behaviour->name.data);
    while ((found = strstr(from, placeholder)) != NULL) {
        memcpy(config + len, from, (size_t)(found - from));
        len += (size_t)(found - from);
        memcpy(config + len, base, base_len);
        len += base_len;
        from = found + placeholder_len;
    }
    strcpy(config + len, from);
    return config;
}
