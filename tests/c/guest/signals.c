/* A host with signal handlers of its own, under a rain of signals: each is delivered to the host's
 * thread, no call fails of it, and no handler or mask is another one afterwards. */
#define _GNU_SOURCE
#include "guest.h"
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static pthread_t host;
static volatile sig_atomic_t delivered;
static volatile sig_atomic_t elsewhere;

static void on_signal(int signal) {
    (void)signal;
    delivered++;
    if (!pthread_equal(pthread_self(), host)) {
        elsewhere++;
    }
}

static void actions(struct sigaction kept[NSIG]) {
    for (int signal = 1; signal < NSIG; signal++) {
        memset(&kept[signal], 0, sizeof kept[signal]);
        sigaction(signal, NULL, &kept[signal]);
    }
}

static void rain(int microseconds) {
    struct itimerval every = {{0, microseconds}, {0, microseconds}};
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
}

/* While the host does not take a signal, no thread of the library takes it instead. */
static void stays_pending(int signal) {
    sigset_t blocked, before, pending;
    sigemptyset(&blocked);
    sigaddset(&blocked, signal);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
    int seen = delivered;
    CHECK_EQ(kill(getpid(), signal), 0);
    CHECK_EQ(sigpending(&pending), 0);
    CHECK_EQ(sigismember(&pending, signal), 1);
    CHECK_EQ(delivered, seen);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    CHECK_EQ(delivered, seen + 1);
    CHECK_EQ(elsewhere, 0);
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    host = pthread_self();
    /* Without SA_RESTART: system calls of the host's thread are interrupted. */
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    int caught[] = {SIGALRM, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGHUP, SIGPIPE, SIGWINCH, SIGPROF};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        CHECK_EQ(sigaction(caught[i], &action, NULL), 0);
    }
    static struct sigaction before[NSIG], after[NSIG];
    sigset_t mask_before, mask_after;
    actions(before);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mask_before), 0);

    rain(500);
    for (int i = 0; i < 300; i++) {
        CHECK_EQ(guest_call(argv[1], "ok"), MODELWIRE_OK);
        CHECK_EQ(guest_finish(guest_start(argv[1], "lines", MODELWIRE_OP_COMPLETIONS_STREAM)), MODELWIRE_OK);
    }
    rain(0);
    CHECK(delivered > 0);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        int seen = delivered;
        CHECK_EQ(kill(getpid(), caught[i]), 0);
        while (delivered == seen) {
        }
    }
    CHECK_EQ(elsewhere, 0);
    stays_pending(SIGUSR1);
    actions(after);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mask_after), 0);
    for (int signal = 1; signal < NSIG; signal++) {
        CHECK(before[signal].sa_handler == after[signal].sa_handler);
        CHECK_EQ(sigismember(&mask_before, signal), sigismember(&mask_after, signal));
    }
    CHECK_EQ(modelwire_shutdown(0), MODELWIRE_OK);
    return 0;
}
