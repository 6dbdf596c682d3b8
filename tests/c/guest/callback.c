/* A host whose callback takes its time, as many seconds as the second argument says: as long as it
 * has not returned, every other call goes on. Another thread makes calls all the while, and the
 * callback returns only once the time is over and 100 of them came back; if one of those waited
 * for the callback nothing would ever end, and the suite's own limit would end it. */
#include "guest.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside, returned, ended;

static void set(int *value, int to) {
    pthread_mutex_lock(&lock);
    *value = to;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int get(const int *value) {
    pthread_mutex_lock(&lock);
    int now = *value;
    pthread_mutex_unlock(&lock);
    return now;
}

static void await(const int *value, int at_least) {
    pthread_mutex_lock(&lock);
    while (*value < at_least) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static time_t seconds;

static int32_t slow(void *lines, const uint8_t *line, size_t len) {
    (void)line;
    (void)len;
    if ((*(int *)lines)++ == 0) {
        struct timespec pause = {seconds, 0};
        set(&inside, 1);
        nanosleep(&pause, NULL);
        await(&ended, get(&ended) + 1); /* they still go on at the end of the pause */
        await(&ended, 100);
        set(&returned, 1);
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
    struct timespec pause = {0, 5000000};
    await(&inside, 1);
    while (!get(&returned)) {
        CHECK_EQ(guest_call(url, "ok"), MODELWIRE_OK);
        int lines = 0;
        CHECK_EQ(guest_stream(url, "lines", count, &lines), MODELWIRE_OK);
        CHECK_EQ(lines, 4);
        set(&ended, get(&ended) + 2);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc > 2);
    seconds = atol(argv[2]);
    CHECK(seconds > 0);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, others, argv[1]), 0);
    int lines = 0;
    CHECK_EQ(guest_stream(argv[1], "lines", slow, &lines), MODELWIRE_OK);
    CHECK_EQ(lines, 4);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    printf("%d calls ended while a callback took %ld s\n", ended, (long)seconds);
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
