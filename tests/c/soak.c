/* Mixed load over every provider, from eight threads: answers, streams, cancels, releases and
 * faults, with keys and with tokens that end after a second and are fetched again all the while.
 * Every call is accounted for exactly once, carries a word of its own that must come back and no
 * other, and nothing may be left at the end.
 *
 *     soak URL SECONDS
 *
 * URL is the bundled upstream's, with the scripts of scripts/soak.sh on it; the environment names
 * the token endpoints among them. */
#define _POSIX_C_SOURCE 200809L
#include <modelwire.h>

#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS = 8, GROUP = 4, PATIENCE_MS = 60000, HEARD = 16384, MOST_GROWTH_KB = 6144 };

static const char *const providers[] = {"openai", "openai_compatible", "anthropic", "google", "vertex",
                                        "azure",  "bedrock",           "mistral",   "groq",   "deepseek"};
enum { PROVIDERS = sizeof providers / sizeof *providers };

/* Of these clouds' calls every other one goes out with a token: of one of so many Entra tenants,
 * or of Google's default credentials. */
enum { TENANTS = 4, IDENTITIES = TENANTS + 1 };

enum { ANSWERED, CANCELLED, REFUSED, BROKEN, RELEASED, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"answered", "cancelled", "refused", "broken", "released"};

static const char *url;
static time_t end_at;

/* One call's inputs, and what was heard of it. */
struct call {
    modelwire_call handle;
    const char *provider;
    char word[64];
    char config[768];
    char request[256];
    char heard[HEARD];
    size_t heard_len;
    bool done;
};

struct host {
    pthread_t thread;
    unsigned number;
    unsigned random;
    modelwire_poller poller;
    unsigned long started;
    unsigned long ended[OUTCOMES];
    unsigned long wrong;
    struct call group[GROUP];
};

static unsigned pick(struct host *host, unsigned from)
{
    host->random = host->random * 1664525u + 1013904223u;
    return (host->random >> 16) % from;
}

static void complain(struct host *host, const struct call *call, const char *what)
{
    host->wrong++;
    fprintf(stderr, "soak: %s, word %s: %s; heard: %.300s\n", call->provider, call->word, what, call->heard);
}

/* A key, or an identity for which a token must be had. */
static void credentials(struct host *host, const struct call *call, const char *base, char *into, size_t room)
{
    bool token = pick(host, 2) == 0;
    if (token && strcmp(call->provider, "azure") == 0)
        snprintf(into, room,
                 "{\"azure\":{\"endpoint\":\"%s\",\"tenant_id\":\"t-%u\",\"client_id\":\"c\","
                 "\"client_secret\":\"s\"}}",
                 base, pick(host, TENANTS));
    else if (token && strcmp(call->provider, "vertex") == 0)
        snprintf(into, room, "{}");
    else
        snprintf(into, room, "{\"api_key\":\"k\",\"azure\":{\"endpoint\":\"%s\"}}", base);
}

/* `script` is "" for the upstream's own answers, else the script that misbehaves. */
static void prepare(struct host *host, struct call *call, const char *script, bool streams)
{
    char base[128], with[256];
    memset(call, 0, sizeof *call);
    call->provider = providers[pick(host, PROVIDERS)];
    snprintf(base, sizeof base, "%s%s", url, script);
    snprintf(call->word, sizeof call->word, "word-%u-%lu-%u.", host->number, host->started, host->random);
    credentials(host, call, base, with, sizeof with);
    snprintf(call->config, sizeof call->config,
             "{\"credentials\":%s,\"options\":{\"base_url\":\"%s\",\"project\":\"p\",\"location\":\"global\"}}",
             with, base);
    snprintf(call->request, sizeof call->request,
             "{\"model\":\"m\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
             streams ? "true" : "false", call->word);
    host->started++;
}

static void hear(struct call *call, const void *bytes, size_t len)
{
    size_t room = HEARD - 1 - call->heard_len;
    len = len < room ? len : room;
    memcpy(call->heard + call->heard_len, bytes, len);
    call->heard_len += len;
}

/* Its own word came back once or more, and nobody else's did. */
static void check_word(struct host *host, const struct call *call)
{
    unsigned found = 0;
    for (const char *at = call->heard; (at = strstr(at, "word-")) != NULL; at++) {
        found++;
        if (strncmp(at, call->word, strlen(call->word)) != 0)
            complain(host, call, "a word of another call");
    }
    if (found == 0)
        complain(host, call, "its word did not come back");
}

/* Counts the outcome; `wanted` is the status there must be, or one that is allowed besides OK. */
static void account(struct host *host, struct call *call, modelwire_result *result, int32_t wanted)
{
    int32_t status = modelwire_result_status(result);
    if (status == MODELWIRE_OK && wanted != MODELWIRE_E_BACKEND && wanted != MODELWIRE_E_TRUNCATED)
        host->ended[ANSWERED]++;
    else if (status == MODELWIRE_E_CANCELLED && wanted == status)
        host->ended[CANCELLED]++;
    else if (status == MODELWIRE_E_BACKEND && wanted == status)
        host->ended[REFUSED]++;
    else if (status == MODELWIRE_E_TRUNCATED && wanted == status)
        host->ended[BROKEN]++;
    else
        complain(host, call, modelwire_result_message(result));
    modelwire_result_free(result);
}

static modelwire_result *complete(struct call *call)
{
    return modelwire_completions(call->provider, (const uint8_t *)call->config, strlen(call->config),
                                 (const uint8_t *)call->request, strlen(call->request));
}

static void start(struct call *call, uint32_t operation, modelwire_poller poller, uint64_t token)
{
    call->handle = modelwire_start(operation, call->provider, (const uint8_t *)call->config,
                                   strlen(call->config), (const uint8_t *)call->request,
                                   strlen(call->request), poller, token);
}

static void answer(struct host *host)
{
    struct call call;
    size_t len;
    prepare(host, &call, "", false);
    modelwire_result *result = complete(&call);
    const uint8_t *body = modelwire_result_body(result, &len);
    hear(&call, body, len);
    if (modelwire_result_status(result) == MODELWIRE_OK)
        check_word(host, &call);
    account(host, &call, result, MODELWIRE_OK);
}

static void refusal(struct host *host)
{
    struct call call;
    prepare(host, &call, "/s/refuses", false);
    account(host, &call, complete(&call), MODELWIRE_E_BACKEND);
}

static int32_t on_line(void *user_data, const uint8_t *line, size_t len)
{
    hear(user_data, line, len);
    return 0;
}

static void stream(struct host *host, const char *script, int32_t wanted)
{
    struct call call;
    prepare(host, &call, script, true);
    modelwire_result *result = modelwire_completions_stream(
        call.provider, (const uint8_t *)call.config, strlen(call.config), (const uint8_t *)call.request,
        strlen(call.request), on_line, &call);
    if (modelwire_result_status(result) == MODELWIRE_OK)
        check_word(host, &call);
    account(host, &call, result, wanted);
}

/* Takes all that is there; answers whether that was the end. */
static bool take(struct host *host, struct call *call)
{
    for (;;) {
        const uint8_t *data;
        size_t len;
        int32_t event = modelwire_next(call->handle, 0, &data, &len);
        if (event == MODELWIRE_EVENT_LINES)
            hear(call, data, len);
        else if (event == MODELWIRE_EVENT_AGAIN)
            return false;
        else if (event != MODELWIRE_EVENT_OPENED) {
            if (event != MODELWIRE_EVENT_ENDED)
                complain(host, call, modelwire_status_name(event));
            return true;
        }
    }
}

/* Several streams through one poller; one of them is cancelled or released on the way. */
static void group(struct host *host)
{
    struct call *calls = host->group;
    unsigned victim = pick(host, 2 * GROUP), left = GROUP;
    for (unsigned at = 0; at < GROUP; at++) {
        prepare(host, &calls[at], "", true);
        start(&calls[at], MODELWIRE_OP_COMPLETIONS_STREAM, host->poller, at);
    }
    if (victim < GROUP && victim % 2 == 0)
        modelwire_cancel(calls[victim].handle);
    else if (victim < GROUP) {
        modelwire_release(calls[victim].handle);
        host->ended[RELEASED]++;
        calls[victim].done = true;
        left--;
    }
    while (left > 0) {
        uint64_t tokens[GROUP];
        int32_t count = modelwire_poller_wait(host->poller, PATIENCE_MS, tokens, GROUP);
        if (count <= 0) {
            complain(host, &calls[0], "nothing became readable");
            return;
        }
        for (int32_t at = 0; at < count; at++) {
            struct call *call = &calls[tokens[at]];
            if (call->done) {
                complain(host, call, "reported after its end");
                continue;
            }
            if (!take(host, call))
                continue;
            bool cancelled = call == &calls[victim % GROUP] && victim < GROUP;
            modelwire_result *result = modelwire_finish(call->handle);
            if (modelwire_result_status(result) == MODELWIRE_OK)
                check_word(host, call);
            account(host, call, result, cancelled ? MODELWIRE_E_CANCELLED : MODELWIRE_OK);
            call->done = true;
            left--;
        }
    }
}

/* Cancelled at once, before or after anything came. */
static void cancel(struct host *host)
{
    struct call call;
    const uint8_t *data;
    size_t len;
    prepare(host, &call, "", true);
    start(&call, MODELWIRE_OP_COMPLETIONS_STREAM, 0, 0);
    modelwire_next(call.handle, (int32_t)pick(host, 60), &data, &len);
    modelwire_cancel(call.handle);
    account(host, &call, modelwire_finish(call.handle), MODELWIRE_E_CANCELLED);
}

static void *run(void *argument)
{
    struct host *host = argument;
    host->poller = modelwire_poller_new();
    while (time(NULL) < end_at && host->wrong < 5) {
        switch (pick(host, 8)) {
        case 0: case 1: answer(host); break;
        case 2: stream(host, "", MODELWIRE_OK); break;
        case 3: cancel(host); break;
        case 4: refusal(host); break;
        case 5: stream(host, "/s/breaks", MODELWIRE_E_TRUNCATED); break;
        default: group(host);
        }
    }
    modelwire_poller_free(host->poller);
    return NULL;
}

/* Resident memory in KB and open descriptors; 0 where the system does not tell. */
static long resident_kb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* What modelwire_stats says, as text. */
static void stats(char *into, size_t room)
{
    size_t len;
    modelwire_result *result = modelwire_stats();
    const uint8_t *body = modelwire_result_body(result, &len);
    snprintf(into, room, "%.*s", (int)len, (const char *)body);
    modelwire_result_free(result);
}

/* The number behind a name that stands in it once; -1 if it does not. */
static long stat_of(const char *name)
{
    char text[4096];
    stats(text, sizeof text);
    const char *at = strstr(text, name);
    return at == NULL ? -1 : atol(at + strlen(name));
}

static long tokens_fetched(void)
{
    return stat_of("\"refreshes\":");
}

/* Tokens may be kept, one for each identity. */
static bool nothing_lives(void)
{
    char text[4096];
    stats(text, sizeof text);
    printf("%s\n", text);
    return strstr(text, "\"calls\":0,") && strstr(text, "\"pollers\":0,") && strstr(text, "\"results\":0,") &&
           stat_of("\"entries\":") <= IDENTITIES;
}

/* Watches while the hosts run: the memory's peak in the first third and in the last, and how many
 * tokens were fetched before the last one. */
static void watch(time_t seconds, long *early, long *late, long *fetched)
{
    time_t begin = end_at - seconds;
    struct timespec pause = {.tv_nsec = 250000000};
    for (time_t now; (now = time(NULL)) < end_at; nanosleep(&pause, NULL)) {
        long *peak = now < begin + seconds / 3 ? early : now >= end_at - seconds / 3 ? late : NULL;
        long kb = resident_kb();
        if (peak != late)
            *fetched = tokens_fetched();
        if (peak != NULL && kb > *peak)
            *peak = kb;
    }
}

static int report(const struct host *hosts, long early, long late, int fds_before, int fds_after, bool well)
{
    unsigned long started = 0, ended = 0, wrong = 0;
    for (int outcome = 0; outcome < OUTCOMES; outcome++) {
        unsigned long count = 0;
        for (int at = 0; at < HOSTS; at++)
            count += hosts[at].ended[outcome];
        printf("%lu %s, ", count, outcome_names[outcome]);
        ended += count;
        wrong += count == 0; /* a kind of outcome that never came was not tested */
    }
    for (int at = 0; at < HOSTS; at++) {
        started += hosts[at].started;
        wrong += hosts[at].wrong;
    }
    printf("of %lu started; memory %ld KB early, %ld KB late; descriptors %d before, %d after\n", started, early,
           late, fds_before, fds_after);
    bool flat = late <= early + MOST_GROWTH_KB;
    return started == ended && wrong == 0 && flat && fds_before == fds_after && well ? EXIT_SUCCESS
                                                                                        : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct host hosts[HOSTS];
    if (argc != 3 || atol(argv[2]) <= 0) {
        fputs("usage: soak URL SECONDS\n", stderr);
        return 2;
    }
    url = argv[1];
    time_t seconds = atol(argv[2]);
    int fds_before = descriptors();
    long early = 0, late = 0, fetched = 0;
    end_at = time(NULL) + seconds;
    for (unsigned at = 0; at < HOSTS; at++) {
        hosts[at].number = at;
        hosts[at].random = at * 2654435761u + 1;
        if (pthread_create(&hosts[at].thread, NULL, run, &hosts[at]) != 0)
            return EXIT_FAILURE;
    }
    watch(seconds, &early, &late, &fetched);
    for (unsigned at = 0; at < HOSTS; at++)
        pthread_join(hosts[at].thread, NULL);
    bool well = nothing_lives();
    long fetched_in_all = tokens_fetched();
    printf("tokens: %ld fetched, %ld of them in the last third\n", fetched_in_all, fetched_in_all - fetched);
    /* Each identity's first token and the next, and still others towards the end. */
    well = well && fetched >= 2 * IDENTITIES && fetched_in_all > fetched;
    if (modelwire_shutdown(0) != MODELWIRE_OK)
        return EXIT_FAILURE;
    return report(hosts, early, late, fds_before, descriptors(), well);
}
