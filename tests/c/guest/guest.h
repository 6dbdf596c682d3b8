/* What the programs here share. Each is a host of its own that looks at one thing the library
 * must not do to it, and ends with 0 if it did not. The first argument is the URL of the bundled
 * upstream, under which scripts/test/50-guest.sh has put these scripts:
 *
 *   ok       a whole answer                 open     one line, and then nothing
 *   lines    a stream of four lines         closes   closes while the request is uploaded
 *   resets   resets while it is uploaded    fails    status 500
 *   large    an answer of 64 MB             announced   one that claims to be of 200 MB
 */
#ifndef GUEST_H
#define GUEST_H

#include <modelwire.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDER "openai_compatible"
#define REQUEST "{\"model\":\"m\",\"messages\":[]}"

/* Ends the program with the place and the reason if the condition does not hold. */
#define CHECK(condition) guest_check((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_EQ(actual, expected) \
    guest_equal((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)

static inline void guest_check(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
        exit(1);
    }
}

static inline void guest_equal(long long actual, long long expected, const char *what, const char *file, int line) {
    if (actual != expected) {
        fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, actual, expected);
        exit(1);
    }
}

/* The config that leads to a script; lives as long as `room`. */
static inline const char *guest_config(char room[512], const char *url, const char *script) {
    snprintf(room, 512,
             "{\"credentials\":{\"api_key\":\"k\"},\"options\":{\"base_url\":\"%s/s/%s\"},"
             "\"timeouts\":{\"total_ms\":60000}}",
             url, script);
    return room;
}

/* A callback for streams of which only the end matters. */
static inline int32_t guest_ignore_line(void *user_data, const uint8_t *line, size_t len) {
    (void)user_data;
    (void)line;
    (void)len;
    return 0;
}

/* A unary call; its status. */
static inline int32_t guest_call(const char *url, const char *script) {
    char room[512];
    const char *config = guest_config(room, url, script);
    modelwire_result *result =
        modelwire_completions(PROVIDER, (const uint8_t *)config, strlen(config),
                              (const uint8_t *)REQUEST, strlen(REQUEST));
    int32_t status = modelwire_result_status(result);
    modelwire_result_free(result);
    return status;
}

/* Starts an operation and follows nothing. */
static inline modelwire_call guest_start(const char *url, const char *script, uint32_t operation) {
    char room[512];
    const char *config = guest_config(room, url, script);
    return modelwire_start(operation, PROVIDER, (const uint8_t *)config, strlen(config),
                           (const uint8_t *)REQUEST, strlen(REQUEST), 0, 0);
}

/* Finishes a call; its status. */
static inline int32_t guest_finish(modelwire_call call) {
    modelwire_result *result = modelwire_finish(call);
    int32_t status = modelwire_result_status(result);
    modelwire_result_free(result);
    return status;
}

/* A stream read by a callback; its status. */
static inline int32_t guest_stream(const char *url, const char *script, modelwire_line_fn on_line, void *user_data) {
    char room[512];
    const char *config = guest_config(room, url, script);
    modelwire_result *result =
        modelwire_completions_stream(PROVIDER, (const uint8_t *)config, strlen(config),
                                     (const uint8_t *)REQUEST, strlen(REQUEST), on_line, user_data);
    int32_t status = modelwire_result_status(result);
    modelwire_result_free(result);
    return status;
}

#endif
