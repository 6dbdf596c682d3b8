/* libcurl's multi interface with epoll: how a C server would follow many streams. */
#include "take.h"
#include <sys/epoll.h>

static struct bench bench;
static size_t running;
static int epoll;
static CURLM *multi;
static double timer_us; /* when libcurl wants to be called, 0 for never */

static size_t take(char *data, size_t size, size_t count, void *user)
{
    unsigned char *open = user;
    if (!*open) {
        *open = 1;
        bench_open(&bench, lines);
    }
    count_lines(data, size * count);
    return size * count;
}

static size_t drop(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    (void)user;
    return size * count;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct epoll_event event = {0};
    (void)easy;
    (void)user;
    event.data.fd = fd;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    epoll_ctl(epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    curl_multi_assign(multi, fd, &lines);
    return 0;
}

static int on_timer(CURLM *self, long timeout_ms, void *user)
{
    (void)self;
    (void)user;
    timer_us = timeout_ms < 0 ? 0 : wall_now() + 1000.0 * (double)timeout_ms;
    return 0;
}

static void reap(void)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        if (message->data.result != CURLE_OK) {
            fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
            exit(1);
        }
        running--;
        curl_multi_remove_handle(multi, message->easy_handle);
    }
}

static int wait_ms(void)
{
    double left_us = timer_us - wall_now();
    if (timer_us == 0)
        return -1;
    return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

static void turn(void)
{
    struct epoll_event events[256];
    int still;
    int count = epoll_wait(epoll, events, 256, wait_ms());
    if (timer_us != 0 && timer_us <= wall_now()) {
        timer_us = 0;
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still);
    }
    for (int i = 0; i < count; i++) {
        int ready = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0)
                  | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                  | (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi, events[i].data.fd, ready, &still);
    }
    reap();
}

static void add(CURL *easy)
{
    running++;
    curl_multi_add_handle(multi, easy);
}

int main(int argc, char **argv)
{
    int still;
    bench = bench_read(argc, argv);
    unsigned char *is_open = calloc(bench.count, 1);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    epoll = epoll_create1(0);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    add(request(&bench, "unary", drop, NULL));
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still);
    while (running > 0)
        turn();
    bench_begin(&bench);
    bench_idle_from(&bench);
    for (size_t i = 0; i < bench.count; i++)
        add(request(&bench, bench.mode, take, &is_open[i]));
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still);
    if (bench_is(&bench, "idle")) {
        while (bench.open < bench.count)
            turn();
        bench_idle_until(&bench);
        bench_end(&bench, bench.count);
        return 0;
    }
    while (running > 0)
        turn();
    bench_steady(&bench, lines);
    bench_end(&bench, lines);
    curl_multi_cleanup(multi);
    return 0;
}
