#define _POSIX_C_SOURCE 200809L
#include "control.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static unsigned port;

static void give_up(const char *what)
{
    fprintf(stderr, "behaviours: %s\n", what);
    exit(EXIT_FAILURE);
}

void control_use(const char *url)
{
    if (sscanf(url, "http://127.0.0.1:%u", &port) != 1)
        give_up("the upstream's URL is http://127.0.0.1:PORT");
}

const char *base_of(unsigned id)
{
    static char base[64];
    snprintf(base, sizeof base, "http://127.0.0.1:%u/s/%u", port, id);
    return base;
}

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("cannot reach the upstream");
    return connection;
}

static void write_all(int connection, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t written = write(connection, data, len);
        if (written <= 0)
            give_up("cannot write to the upstream");
        data += written;
        len -= (size_t)written;
    }
}

/* Everything up to the end of the connection, as a fresh C string. */
static char *read_all(int connection)
{
    size_t len = 0, room = 4096;
    char *text = malloc(room);
    for (;;) {
        ssize_t got;
        if (text == NULL)
            give_up("no memory");
        got = read(connection, text + len, room - len - 1);
        if (got < 0)
            give_up("cannot read from the upstream");
        len += (size_t)got;
        text[len] = '\0';
        if (got == 0)
            return text;
        if (room - len < 2)
            text = realloc(text, room *= 2);
    }
}

/* Sends one request; the answer's body as a fresh C string. */
static char *ask(const char *method, const char *path, struct bytes body)
{
    char head[256], *answer, *at;
    int connection = dial();
    int len = snprintf(head, sizeof head,
                       "%s %s HTTP/1.1\r\nhost: upstream\r\nconnection: close\r\ncontent-length: %zu\r\n\r\n", method,
                       path, body.len);
    write_all(connection, head, (size_t)len);
    write_all(connection, body.data, body.len);
    answer = read_all(connection);
    close(connection);
    at = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0 || at == NULL) {
        fprintf(stderr, "%s %s: %s\n", method, path, answer);
        give_up("the upstream refused");
    }
    memmove(answer, at + 4, strlen(at + 4) + 1);
    return answer;
}

static const struct bytes nothing = {"", 0};

void put_script(unsigned id, struct bytes script)
{
    char path[64];
    snprintf(path, sizeof path, "/__scripts/%u", id);
    free(ask("PUT", path, script));
}

void open_gate(unsigned id, struct bytes gate)
{
    char path[128];
    snprintf(path, sizeof path, "/__scripts/%u/gates/%s", id, gate.data);
    free(ask("POST", path, nothing));
}

char *received(unsigned id)
{
    char path[64];
    snprintf(path, sizeof path, "/__scripts/%u/requests", id);
    return ask("GET", path, nothing);
}

void wait_until_sent(unsigned id)
{
    const struct timespec pause = {0, 5 * 1000 * 1000};
    for (;;) {
        char *requests = received(id);
        bool none = strcmp(requests, "[]") == 0;
        free(requests);
        if (!none)
            return;
        nanosleep(&pause, NULL);
    }
}
