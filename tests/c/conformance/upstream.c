#define _POSIX_C_SOURCE 200809L
#include "upstream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the upstream replays for each scenario; ANSWERS is its own behaviour, ABSENT needs none. */
static const char *const scripts[SCENARIOS] = {
    [REFUSES] = "[[{\"reply\":{\"status\":429,\"headers\":{\"content-type\":\"application/json\","
                "\"retry-after\":\"7\"},\"body\":\"{\\\"error\\\":{\\\"message\\\":\\\"slow down\\\"}}\"}}]]",
    [REJECTS] = "[[{\"reply\":{\"status\":401,\"body\":\"{}\"}}]]",
    [BREAKS] = "[[{\"chunked_open\":[\"data: one\\n\\n\"]},\"close\"]]",
    [GOES_ON] = "[[{\"chunked_open\":[\"data: one\\n\\n\"]},\"hang\"]]",
    [FLOODS] = "[[{\"send\":\"HTTP/1.1 200 OK\\r\\ncontent-type: text/event-stream\\r\\n"
               "connection: close\\r\\n\\r\\n\"},"
               "{\"repeat\":{\"text\":\"data: 0123456789012345678901234567890123456789\\n\\n\","
               "\"times\":100000}},\"close\"]]",
};

static char configs[SCENARIOS][512];
static char probes[SCENARIOS][512];

static void give_up(const char *what)
{
    fprintf(stderr, "conformance: %s\n", what);
    exit(EXIT_FAILURE);
}

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void put_script(unsigned port, int scenario)
{
    char message[2048], answer[64] = "";
    struct sockaddr_in address = loopback(port);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    snprintf(message, sizeof message,
             "PUT /__scripts/c%d HTTP/1.1\r\nhost: upstream\r\ncontent-length: %zu\r\n\r\n%s", scenario,
             strlen(scripts[scenario]), scripts[scenario]);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("cannot reach the upstream");
    if (write(connection, message, strlen(message)) != (ssize_t)strlen(message))
        give_up("cannot write to the upstream");
    if (read(connection, answer, sizeof answer - 1) < 0 || strstr(answer, " 200 ") == NULL)
        give_up("the upstream refused a script");
    close(connection);
}

/* A port that refuses connections: bound, so that nobody else takes it, and not listening. */
static unsigned closed_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    int unused = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(unused, (struct sockaddr *)&address, len) != 0 ||
        getsockname(unused, (struct sockaddr *)&address, &len) != 0)
        give_up("cannot bind a port");
    return ntohs(address.sin_port);
}

void upstream_use(const char *url)
{
    unsigned port;
    if (sscanf(url, "http://127.0.0.1:%u", &port) != 1)
        give_up("the upstream's URL is http://127.0.0.1:PORT");
    unsigned nobody = closed_port();
    for (int i = 0; i < SCENARIOS; i++) {
        char base[64];
        if (scripts[i] != NULL)
            put_script(port, i);
        snprintf(base, sizeof base, scripts[i] == NULL ? "http://127.0.0.1:%u/v1" : "http://127.0.0.1:%u/s/c%d/v1",
                 i == ABSENT ? nobody : port, i);
        snprintf(configs[i], sizeof configs[i],
                 "{\"credentials\":{\"api_key\":\"%s\"},\"options\":{\"base_url\":\"%s\"}}", UPSTREAM_KEY, base);
        snprintf(probes[i], sizeof probes[i], "{\"url\":\"%s/models\",\"headers\":{},\"bearer\":\"%s\"}", base,
                 UPSTREAM_KEY);
    }
}

const char *config_of(enum scenario scenario)
{
    return configs[scenario];
}

const char *probe_of(enum scenario scenario)
{
    return probes[scenario];
}

const char *request_of(uint32_t operation)
{
    if (operation == MODELWIRE_OP_COMPLETIONS_STREAM)
        return "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"one two three\"}]}";
    return "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one two three\"}]}";
}

static const uint8_t *bytes(const char *text)
{
    return (const uint8_t *)text;
}

modelwire_result *complete(enum scenario scenario)
{
    const char *config = config_of(scenario), *request = request_of(MODELWIRE_OP_COMPLETIONS);
    return modelwire_completions(UPSTREAM_PROVIDER, bytes(config), strlen(config), bytes(request), strlen(request));
}

modelwire_result *stream(enum scenario scenario, modelwire_line_fn on_line, void *user_data)
{
    const char *config = config_of(scenario), *request = request_of(MODELWIRE_OP_COMPLETIONS_STREAM);
    return modelwire_completions_stream(UPSTREAM_PROVIDER, bytes(config), strlen(config), bytes(request),
                                        strlen(request), on_line, user_data);
}

static modelwire_call start_with(uint32_t operation, enum scenario scenario, modelwire_poller poller,
                                 uint64_t token)
{
    const char *config = config_of(scenario);
    const char *request = operation == MODELWIRE_OP_HTTP_PROBE        ? probe_of(scenario)
                          : operation == MODELWIRE_OP_TEST_CONNECTION ? ""
                                                                      : request_of(operation);
    return modelwire_start(operation, UPSTREAM_PROVIDER, bytes(config), strlen(config), bytes(request),
                           strlen(request), poller, token);
}

modelwire_call start(uint32_t operation, enum scenario scenario)
{
    return start_with(operation, scenario, 0, 0);
}

modelwire_call start_polled(enum scenario scenario, modelwire_poller poller, uint64_t token)
{
    return start_with(MODELWIRE_OP_COMPLETIONS_STREAM, scenario, poller, token);
}
