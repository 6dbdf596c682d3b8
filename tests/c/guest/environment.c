/* A host that changes its environment while it uses the library. C has no lock that would make
 * that safe, so what the library can do is to read it rarely and where the host can foresee it:
 * when it starts, on the thread that starts it. Then not at all, on no provider, as long as no
 * certificates have to be found and no identity of a cloud is used, whose variables are read
 * when they are needed. One variable of tokio's is read for each thread that waits in a call at
 * the same time as others. */
#define _GNU_SOURCE
#include "guest.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { CALLS = 30, RESTARTS = 100, USERS = 3, NAMES = 40, FRESH = 2000 };

static char *(*system_getenv)(const char *);
static atomic_uint reads_here, reads_there, reads_for_lanes;

/* The library's own variables are looked up with this one, which stands before libc's. */
char *getenv(const char *name) {
    char thread[16] = "";
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    if (strncmp(name, "TOKIO_", 6) == 0) {
        reads_for_lanes++;
    } else if (strncmp(thread, "modelwire", 9) != 0) {
        reads_here++;
    } else {
        reads_there++;
    }
    return system_getenv != NULL ? system_getenv(name) : NULL;
}

static unsigned reads(void) {
    return reads_here + reads_there;
}

static void call_provider(const char *provider, const char *url) {
    char config[512];
    snprintf(config, sizeof config,
             "{\"credentials\":{\"api_key\":\"k\",\"azure\":{\"endpoint\":\"%s/s/ok\"}},"
             "\"options\":{\"base_url\":\"%s/s/ok\",\"project\":\"p\",\"location\":\"global\"}}",
             url, url);
    modelwire_result *result =
        modelwire_completions(provider, (const uint8_t *)config, strlen(config), (const uint8_t *)REQUEST, strlen(REQUEST));
    CHECK_EQ(modelwire_result_status(result), MODELWIRE_OK);
    modelwire_result_free(result);
}

static void call_all(const char *url) {
    const char *providers[] = {"openai", "anthropic", "google", "vertex", "azure", "bedrock", "mistral", "groq", "deepseek"};
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        call_provider(providers[i], url);
    }
    CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
    CHECK_EQ(guest_stream(url, "lines", guest_ignore_line, NULL), MODELWIRE_OK);
    CHECK_EQ(guest_finish(guest_start(url, "lines", MODELWIRE_OP_COMPLETIONS_STREAM)), MODELWIRE_OK);
    CHECK_EQ(guest_call(url, "fails"), MODELWIRE_E_BACKEND);
}

static int32_t init(void) {
    modelwire_result *result = modelwire_init(NULL, 0);
    int32_t status = modelwire_result_status(result);
    modelwire_result_free(result);
    return status;
}

/* Calls from within a callback, so that more than USERS of them run at once. */
static const char *upstream;

static int32_t deeper(void *left, const uint8_t *line, size_t len) {
    (void)line;
    (void)len;
    if (*(int *)left > 0) {
        --*(int *)left;
        CHECK_EQ(guest_stream(upstream, "lines", deeper, left), MODELWIRE_OK);
    }
    return 0;
}

static void reads_at_the_start_only(const char *url) {
    CHECK_EQ(init(), MODELWIRE_OK);
    CHECK(reads_here > 0);
    unsigned at_the_start = reads();
    call_all(url);
    int left = USERS;
    upstream = url;
    CHECK_EQ(guest_stream(url, "lines", deeper, &left), MODELWIRE_OK);
    CHECK_EQ(left, 0);
    CHECK_EQ(reads(), at_the_start);
    CHECK_EQ(reads_there, 0);
}

static atomic_int stop;
static atomic_uint answered;

/* Changes values, takes variables away and puts them back; with `fresh` it also adds ever new
 * ones, for which libc moves the whole environment to another place. */
static void *change(void *fresh) {
    const char *names[] = {"http_proxy", "HTTPS_PROXY", "no_proxy", "SSL_CERT_DIR", "AWS_REGION"};
    char name[64], value[64];
    unsigned long rounds = 0;
    for (; !stop; rounds++) {
        const char *known = names[rounds % (sizeof names / sizeof *names)];
        snprintf(value, sizeof value, "http://127.0.0.1:%lu", rounds % NAMES + 1);
        CHECK_EQ(setenv(known, value, 1), 0);
        CHECK(system_getenv(known) != NULL);
        CHECK_EQ(unsetenv(known), 0);
        if (fresh != NULL && rounds < FRESH) {
            snprintf(name, sizeof name, "GUEST_%lu", rounds);
            CHECK_EQ(setenv(name, value, 1), 0);
        }
    }
    return (void *)rounds;
}

static pthread_t begin(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
    return thread;
}

static void *calls(void *url) {
    for (int i = 0; i < CALLS; i++) {
        call_all(url);
    }
    return NULL;
}

/* Any of them may find the library stopped by another, and start it again. */
static void *restarts(void *url) {
    for (int i = 0; i < RESTARTS; i++) {
        int32_t status = init();
        CHECK(status == MODELWIRE_OK || status == MODELWIRE_E_ARGUMENT || status == MODELWIRE_E_SHUTDOWN);
        status = guest_call(url, "ok");
        CHECK(status == MODELWIRE_OK || status == MODELWIRE_E_SHUTDOWN);
        answered += status == MODELWIRE_OK;
        status = guest_stream(url, "lines", guest_ignore_line, NULL);
        CHECK(status == MODELWIRE_OK || status == MODELWIRE_E_SHUTDOWN);
        status = modelwire_shutdown(0);
        CHECK(status == MODELWIRE_OK || status == MODELWIRE_E_SHUTDOWN);
    }
    return NULL;
}

static void race(void *(*use)(void *), char *url, void *fresh) {
    void *rounds;
    pthread_t users[USERS];
    stop = 0;
    pthread_t changes = begin(change, fresh);
    for (int i = 0; i < USERS; i++) {
        users[i] = begin(use, url);
    }
    for (int i = 0; i < USERS; i++) {
        CHECK_EQ(pthread_join(users[i], NULL), 0);
    }
    stop = 1;
    CHECK_EQ(pthread_join(changes, &rounds), 0);
    CHECK(rounds != NULL);
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    void *symbol = dlsym(RTLD_NEXT, "getenv");
    CHECK(symbol != NULL);
    memcpy(&system_getenv, &symbol, sizeof symbol);
    reads_here = 0; /* loading a library may read some too */
    reads_at_the_start_only(argv[1]);

    unsigned before = reads(), lanes = reads_for_lanes;
    race(calls, argv[1], "fresh");
    CHECK_EQ(reads(), before);
    CHECK_EQ(reads_for_lanes, lanes);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);

    /* While the library starts, a variable may come, go and change, for glibc frees none of the
     * texts. That it moves the environment meanwhile is what a host must not have. */
    race(restarts, argv[1], NULL);
    CHECK(answered > 0);
    CHECK(reads() > before);
    CHECK_EQ(reads_there, 0);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
