/* What the libraries cost a process that has done nothing yet: to load them, to make the
 * first request, to let go of them again. Each run is a fresh process.
 *
 *   start ours|libcurl LIBRARY BASE
 *
 * Prints {"load_us", "first_us", "stop_us", "threads"}: the last is how many threads the
 * library had before the first call, the program's own not counted. */
#include "common.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <modelwire.h>

static const char body[] = "{\"model\":\"m\",\"messages\":[]}";

static void *library;

static void *symbol(const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}

static void ours_first(const char *base)
{
    char config[512];
    __typeof__(&modelwire_completions) completions = symbol("modelwire_completions");
    __typeof__(&modelwire_result_status) status = symbol("modelwire_result_status");
    __typeof__(&modelwire_result_free) release = symbol("modelwire_result_free");
    snprintf(config, sizeof config,
             "{\"options\":{\"base_url\":\"%s/unary\"},\"credentials\":{\"api_key\":\"k\"}}", base);
    modelwire_result *result =
        completions("openai_compatible", (const uint8_t *)config, strlen(config),
                    (const uint8_t *)body, sizeof body - 1);
    if (status(result) != MODELWIRE_OK)
        exit(1);
    release(result);
}

static void ours_stop(void)
{
    __typeof__(&modelwire_shutdown) shutdown = symbol("modelwire_shutdown");
    shutdown(0);
}

static CURL *easy;

static size_t drop(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    (void)user;
    return size * count;
}

static void libcurl_first(const char *base)
{
    char url[512];
    CURLcode (*global_init)(long) = symbol("curl_global_init");
    CURL *(*init)(void) = symbol("curl_easy_init");
    CURLcode (*set)(CURL *, CURLoption, ...) = symbol("curl_easy_setopt");
    CURLcode (*perform)(CURL *) = symbol("curl_easy_perform");
    snprintf(url, sizeof url, "%s/unary/chat/completions", base);
    global_init(CURL_GLOBAL_DEFAULT);
    easy = init();
    set(easy, CURLOPT_URL, url);
    set(easy, CURLOPT_POSTFIELDS, body);
    set(easy, CURLOPT_WRITEFUNCTION, drop);
    if (perform(easy) != CURLE_OK)
        exit(1);
}

static void libcurl_stop(void)
{
    void (*cleanup)(CURL *) = symbol("curl_easy_cleanup");
    void (*global_cleanup)(void) = symbol("curl_global_cleanup");
    cleanup(easy);
    global_cleanup();
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int ours = !strcmp(argv[1], "ours");
    double begun = wall_now();
    library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    double loaded = wall_now();
    long threads = status_field("Threads: %ld") - 1;
    double before = wall_now();
    (ours ? ours_first : libcurl_first)(argv[3]);
    double answered = wall_now();
    (ours ? ours_stop : libcurl_stop)();
    double stopped = wall_now();
    printf("{\"load_us\":%.0f,\"first_us\":%.0f,\"stop_us\":%.0f,\"threads\":%ld}\n",
           loaded - begun, answered - before, stopped - answered, threads);
    return 0;
}
