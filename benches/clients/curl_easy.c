/* libcurl's easy interface, one handle reused: what a careful C program would write. */
#include "take.h"
#include <curl/curl.h>

int main(int argc, char **argv)
{
    struct bench bench = bench_read(argc, argv);
    char url[512], base[256];
    bench_url(base, sizeof base, &bench);
    snprintf(url, sizeof url, "%s/chat/completions", base);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Authorization: Bearer k");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bench.body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bench.body_len);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    size_t ops = bench.count;
    if (!strcmp(bench.mode, "unary")) {
        curl_easy_perform(curl);
        bench_begin(&bench);
        for (size_t i = 0; i < bench.count; i++)
            if (curl_easy_perform(curl) != CURLE_OK)
                return 1;
    } else {
        bench_begin(&bench);
        if (curl_easy_perform(curl) != CURLE_OK)
            return 1;
        ops = lines;
    }
    bench_end(&bench, ops);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    return 0;
}
