/* A host whose callback takes its time: as long as it has not returned, every other call goes on.
 * The callback waits for 100 calls of another thread, so if one of those waited for the callback
 * nothing would ever end; the suite's own limit would end it. */
#include "guest.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside, finished;

static void set(int *flag) {
    pthread_mutex_lock(&lock);
    *flag = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await(int *flag) {
    pthread_mutex_lock(&lock);
    while (!*flag) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static int32_t slow(void *lines, const uint8_t *line, size_t len) {
    (void)line;
    (void)len;
    if ((*(int *)lines)++ == 0) {
        set(&inside);
        await(&finished);
        struct timespec two_seconds = {2, 0};
        nanosleep(&two_seconds, NULL);
    }
    return 0;
}

static int32_t count(void *lines, const uint8_t *line, size_t len) {
    (void)line;
    (void)len;
    (*(int *)lines)++;
    return 0;
}

static void *others(void *url) {
    await(&inside);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
        int lines = 0;
        CHECK_EQ(guest_stream(url, "lines", count, &lines), MODELWIRE_OK);
        CHECK_EQ(lines, 4);
    }
    set(&finished);
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, others, argv[1]), 0);
    int lines = 0;
    CHECK_EQ(guest_stream(argv[1], "lines", slow, &lines), MODELWIRE_OK);
    CHECK_EQ(lines, 4);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
