/* libcurl's easy interface, one handle reused: what a careful C program would write. */
#include "take.h"

static double first_us;

static size_t take(char *data, size_t size, size_t count, void *user)
{
    (void)user;
    if (first_us == 0)
        first_us = wall_now();
    count_lines(data, size * count);
    return size * count;
}

static void perform(CURL *curl)
{
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        fprintf(stderr, "%s\n", curl_easy_strerror(code));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct bench bench = bench_read(argc, argv);
    size_t ops = bench.count;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = request(&bench, bench_is(&bench, "once") ? "once" : "unary", take, NULL);
    if (!bench_is(&bench, "once")) {
        perform(curl);
        bench_begin(&bench);
    }
    if (bench_is(&bench, "unary") || bench_is(&bench, "once")) {
        for (size_t i = 0; i < bench.count; i++)
            perform(curl);
    } else {
        char base[512], url[576];
        bench_url(base, sizeof base, &bench, bench.mode);
        snprintf(url, sizeof url, "%s/chat/completions", base);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        size_t streams = bench_is(&bench, "first") ? bench.count : 1;
        lines = 0;
        for (size_t i = 0; i < streams; i++) {
            double begun = wall_now();
            first_us = 0;
            perform(curl);
            bench.latencies[i] = first_us - begun;
        }
        if (bench_is(&bench, "first"))
            bench.latency_count = streams;
        else
            ops = lines;
    }
    bench_end(&bench, ops);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return 0;
}
