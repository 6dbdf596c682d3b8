/* A host whose threads have small stacks, as coroutines and language runtimes do: every function
 * runs on one that was painted before, and less than 256 KB of the paint is gone afterwards. */
#define _GNU_SOURCE
#include "guest.h"
#include <pthread.h>
#include <sys/mman.h>

enum { STACK = 2 * 1024 * 1024, MOST = 256 * 1024, PAINT = 0xA5 };

static void take(modelwire_result *result) {
    size_t len;
    modelwire_result_info(result, &len);
    modelwire_result_body(result, &len);
    modelwire_result_message(result);
    modelwire_result_free(result);
}

static void *everything(void *url) {
    char room[512];
    const char *text = guest_config(room, url, "ok");
    const uint8_t *config = (const uint8_t *)text;
    const uint8_t *request = (const uint8_t *)REQUEST;
    size_t config_len = strlen(text), request_len = strlen(REQUEST);
    take(modelwire_init(NULL, 0));
    const char *providers[] = {"openai", "anthropic", "google", "vertex", "azure", "bedrock", "deepseek", PROVIDER};
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        take(modelwire_prepare(providers[i], config, config_len, request, request_len, MODELWIRE_OP_COMPLETIONS));
        take(modelwire_validate_provider_options(providers[i], config, config_len));
        take(modelwire_completions(providers[i], config, config_len, request, request_len));
        take(modelwire_completions_stream(providers[i], config, config_len, request, request_len, guest_ignore_line, NULL));
    }
    take(modelwire_test_connection(PROVIDER, config, config_len));
    /* The parser goes as deep as it ever does. */
    char deep[1024];
    memset(deep, '[', sizeof deep);
    take(modelwire_completions(PROVIDER, (const uint8_t *)deep, sizeof deep, request, request_len));
    take(modelwire_describe());
    take(modelwire_stats());
    modelwire_poller poller = modelwire_poller_new();
    modelwire_poller_fd(poller);
    modelwire_call call = guest_start(url, "lines", MODELWIRE_OP_COMPLETIONS_STREAM);
    guest_finish(call);
    modelwire_poller_free(poller);
    modelwire_sse *sse = modelwire_sse_new();
    modelwire_sse_feed(sse, (const uint8_t *)"data: 1\n", 8, guest_ignore_line, NULL);
    modelwire_sse_free(sse);
    modelwire_shutdown(0);
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    uint8_t *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    memset(stack, PAINT, STACK);
    pthread_attr_t attributes;
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    CHECK_EQ(pthread_attr_setstack(&attributes, stack, STACK), 0);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, &attributes, everything, argv[1]), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    size_t untouched = 0;
    while (untouched < STACK && stack[untouched] == PAINT) {
        untouched++;
    }
    size_t used = STACK - untouched;
    printf("%zu KB of stack used\n", used / 1024);
    CHECK(used < MOST);
    return 0;
}
