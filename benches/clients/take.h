/* What both libcurl clients do with a body: count its lines. */
#ifndef TAKE_H
#define TAKE_H
#include "common.h"
#include <curl/curl.h>

static size_t lines;

static void count_lines(const char *data, size_t len)
{
    const char *at = data, *end = data + len;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        lines++;
        at++;
    }
}

/* A request of the benchmark, whose body goes to `take` with `user`. */
static CURL *request(const struct bench *bench, const char *mode, curl_write_callback take, void *user)
{
    static struct curl_slist *headers;
    char base[512], url[576];
    if (headers == NULL) {
        headers = curl_slist_append(NULL, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Authorization: Bearer k");
        headers = curl_slist_append(headers, "Expect:");
    }
    bench_url(base, sizeof base, bench, mode);
    snprintf(url, sizeof url, "%s/chat/completions", base);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bench->body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bench->body_len);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, user);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    return curl;
}
#endif
