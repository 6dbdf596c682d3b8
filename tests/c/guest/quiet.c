/* A host that wants its output, its folder, its environment and its locale to itself: everything
 * is done, well and badly, and none of them is another one afterwards. Run it in an empty folder
 * that is also HOME and TMPDIR. */
#define _GNU_SOURCE
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void take(modelwire_result *result) {
    modelwire_result_free(result);
}

static void everything(const char *url) {
    const char *scripts[] = {"ok", "lines", "fails", "closes", "resets", "nothing-here"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        guest_call(url, scripts[i]);
        guest_stream(url, scripts[i], guest_ignore_line, NULL);
    }
    guest_call("http://127.0.0.1:1", "ok");
    guest_call("https://127.0.0.1:1", "ok");
    guest_call("not a URL", "ok");
    take(modelwire_completions(NULL, NULL, 0, NULL, 0));
    take(modelwire_completions("nobody", (const uint8_t *)"{", 1, (const uint8_t *)"}", 1));
    take(modelwire_init((const uint8_t *)"nonsense", 8));
    take(modelwire_describe());
    take(modelwire_stats());
    modelwire_release(guest_start(url, "open", MODELWIRE_OP_COMPLETIONS_STREAM));
    modelwire_cancel(12345);
    modelwire_shutdown(0);
}

static int entries(void) {
    DIR *folder = opendir(".");
    CHECK(folder != NULL);
    int count = 0;
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static size_t environment(char *into, size_t room) {
    size_t len = 0;
    for (char **variable = environ; *variable != NULL; variable++) {
        len += (size_t)snprintf(into + len, room - len, "%s\n", *variable);
        CHECK(len < room);
    }
    return len;
}

int main(int argc, char **argv) {
    CHECK(argc > 1);
    CHECK_EQ(entries(), 2);
    static char before[65536], after[65536];
    size_t before_len = environment(before, sizeof before);
    char *locale = strdup(setlocale(LC_ALL, NULL));
    mode_t mask = umask(0);
    umask(mask);
    char folder[4096], folder_after[4096];
    CHECK(getcwd(folder, sizeof folder) != NULL);

    int pipes[2];
    CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
    int stdout_kept = dup(STDOUT_FILENO), stderr_kept = dup(STDERR_FILENO);
    fflush(NULL);
    dup2(pipes[1], STDOUT_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    everything(argv[1]);
    fflush(NULL);
    dup2(stdout_kept, STDOUT_FILENO);
    dup2(stderr_kept, STDERR_FILENO);
    char said[256];
    ssize_t count = read(pipes[0], said, sizeof said);
    if (count > 0) {
        fprintf(stderr, "it said: %.*s\n", (int)count, said);
        return 1;
    }

    CHECK_EQ(entries(), 2);
    CHECK_EQ(environment(after, sizeof after), before_len);
    CHECK_EQ(memcmp(before, after, before_len), 0);
    CHECK_EQ(strcmp(setlocale(LC_ALL, NULL), locale), 0);
    mode_t mask_after = umask(mask);
    CHECK_EQ(mask_after, mask);
    CHECK(getcwd(folder_after, sizeof folder_after) != NULL);
    CHECK_EQ(strcmp(folder, folder_after), 0);
    free(locale);
    return 0;
}
