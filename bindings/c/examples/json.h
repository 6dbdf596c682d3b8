/* Writes JSON, and finds one string in it: the little that the examples need.
 *
 * A text grows as it is written. Each member puts its own comma, so a caller only says
 * what the object holds. Running out of memory ends the program: these are examples.
 */
#ifndef EXAMPLES_JSON_H
#define EXAMPLES_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json {
    char *text; /* not NUL-terminated; the library takes a pointer and a length */
    size_t len;
    size_t capacity;
};

static inline void json_free(struct json *json)
{
    free(json->text);
    *json = (struct json){0};
}

static inline void json_append(struct json *json, const char *bytes, size_t len)
{
    if (len > json->capacity - json->len) {
        size_t capacity = 2 * json->capacity + len + 256;
        char *text = realloc(json->text, capacity);
        if (text == NULL) {
            fputs("out of memory\n", stderr);
            exit(EXIT_FAILURE);
        }
        json->text = text;
        json->capacity = capacity;
    }
    memcpy(json->text + json->len, bytes, len);
    json->len += len;
}

/* How many bytes the UTF-8 sequence at the start of a NUL-terminated string has; 0 if it
 * is not valid (cut short, overlong, a surrogate, beyond U+10FFFF). */
static inline size_t utf8_sequence(const char *string)
{
    const unsigned char *bytes = (const unsigned char *)string;
    unsigned char first = bytes[0];
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < len; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (first == 0xe0 && bytes[1] < 0xa0) || (first == 0xf0 && bytes[1] < 0x90);
    bool surrogate = first == 0xed && bytes[1] > 0x9f;
    bool too_large = first == 0xf4 && bytes[1] > 0x8f;
    return overlong || surrogate || too_large ? 0 : len;
}

/* A quoted string. What is not UTF-8 becomes U+FFFD, because JSON has no other encoding. */
static inline void json_append_string(struct json *json, const char *string)
{
    json_append(json, "\"", 1);
    while (*string != '\0') {
        size_t len = utf8_sequence(string);
        if (len == 0) {
            json_append(json, "\\ufffd", 6);
            len = 1;
        } else if (*string == '"' || *string == '\\') {
            json_append(json, "\\", 1);
            json_append(json, string, 1);
        } else if ((unsigned char)*string < 0x20) {
            char escape[7];
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*string);
            json_append(json, escape, 6);
        } else {
            json_append(json, string, len);
        }
        string += len;
    }
    json_append(json, "\"", 1);
}

/* The comma before a member or element, unless it is the first one. Strings end in a quote,
 * so a bracket in the last place is always structure. */
static inline void json_separate(struct json *json)
{
    char last = json->len > 0 ? json->text[json->len - 1] : '{';
    if (last != '{' && last != '[')
        json_append(json, ",", 1);
}

static inline void json_key(struct json *json, const char *key)
{
    json_separate(json);
    json_append_string(json, key);
    json_append(json, ":", 1);
}

/* Opens an object or array ("{", "[" or "[{") as the member `key`; NULL where there is no key. */
static inline void json_open(struct json *json, const char *key, const char *brackets)
{
    if (key != NULL)
        json_key(json, key);
    json_append(json, brackets, strlen(brackets));
}

static inline void json_close(struct json *json, const char *brackets)
{
    json_append(json, brackets, strlen(brackets));
}

/* A string member; a value of NULL leaves it out. */
static inline void json_string(struct json *json, const char *key, const char *value)
{
    if (value == NULL)
        return;
    json_key(json, key);
    json_append_string(json, value);
}

/* A member whose value is JSON already: a number, true, false. */
static inline void json_literal(struct json *json, const char *key, const char *value)
{
    json_key(json, key);
    json_append(json, value, strlen(value));
}

/* The library writes no spaces around ':' and escapes quotes inside strings, so a pattern such
 * as `"ok":true` is found in its JSON only where that member is. Enough for a verdict or a name;
 * a program that reads more wants a JSON parser. Answers what follows the pattern, or NULL. */
static inline const uint8_t *json_after(const uint8_t *json, size_t len, const char *pattern)
{
    size_t pattern_len = strlen(pattern);
    for (size_t at = 0; at + pattern_len < len; at++)
        if (memcmp(json + at, pattern, pattern_len) == 0)
            return json + at + pattern_len;
    return NULL;
}

/* Copies the string member that follows `pattern` (`"end":"`) up to its closing quote; empty if it
 * is not there or does not fit. */
static inline void json_copy(const uint8_t *json, size_t len, const char *pattern, char *value, size_t size)
{
    const uint8_t *start = json_after(json, len, pattern);
    const uint8_t *end = start == NULL ? NULL : memchr(start, '"', len - (size_t)(start - json));
    size_t value_len = end == NULL ? 0 : (size_t)(end - start);
    value[0] = '\0';
    if (value_len == 0 || value_len >= size)
        return;
    memcpy(value, start, value_len);
    value[value_len] = '\0';
}

#endif
