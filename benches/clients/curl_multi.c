/* libcurl's multi interface with epoll: how a C server would follow many streams. */
#include "take.h"
#include <curl/curl.h>
#include <sys/epoll.h>

static size_t running;
static int epoll;
static CURLM *multi;
static long timer_ms = -1;

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
    timer_ms = timeout_ms;
    return 0;
}

static void reap(void)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        if (message->data.result != CURLE_OK)
            exit(1);
        running--;
        curl_multi_remove_handle(multi, message->easy_handle);
    }
}

int main(int argc, char **argv)
{
    struct bench bench = bench_read(argc, argv);
    char url[512], base[256];
    int still;
    bench_url(base, sizeof base, &bench);
    snprintf(url, sizeof url, "%s/chat/completions", base);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    epoll = epoll_create1(0);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Authorization: Bearer k");
    bench_begin(&bench);
    running = bench.count;
    for (size_t i = 0; i < bench.count; i++) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bench.body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bench.body_len);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_multi_add_handle(multi, easy);
    }
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still);
    while (running > 0) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, (int)timer_ms);
        if (count == 0)
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still);
        for (int i = 0; i < count; i++) {
            int ready = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0)
                      | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                      | (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
            curl_multi_socket_action(multi, events[i].data.fd, ready, &still);
        }
        reap();
    }
    bench_end(&bench, lines);
    curl_multi_cleanup(multi);
    return 0;
}
