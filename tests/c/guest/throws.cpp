// A host written in C++ whose callback throws through the C ABI, which it must not do. What the
// header says of it holds: the process ends there, in a stream and in a splitter alike. No handler
// further out gets to see the exception, and nothing goes on with the library's work half done. The binding for C++ catches what a callback throws in time.
#include <modelwire.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

enum { ESCAPED = 24, WENT_ON = 25 };

std::int32_t throws(void *, const std::uint8_t *, std::size_t) {
    throw std::runtime_error("out of the callback");
}

void streams(const char *url) {
    const std::string config = std::string("{\"credentials\":{\"api_key\":\"k\"},\"options\":{\"base_url\":\"") + url + "/s/lines\"}}";
    const std::string request = "{\"model\":\"m\",\"messages\":[]}";
    modelwire_result_free(modelwire_completions_stream(
        "openai_compatible", reinterpret_cast<const std::uint8_t *>(config.data()), config.size(),
        reinterpret_cast<const std::uint8_t *>(request.data()), request.size(), throws, nullptr));
}

void splits(const char *) {
    modelwire_sse *sse = modelwire_sse_new();
    modelwire_sse_feed(sse, reinterpret_cast<const std::uint8_t *>("data: 1\n"), 8, throws, nullptr);
    modelwire_sse_free(sse);
}

void ends_the_process(const char *what, void (*use)(const char *), const char *url) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        // Why the process ends is said there, and expected here.
        if (std::freopen("/dev/null", "w", stderr) == nullptr)
            _exit(1);
        try {
            use(url);
        } catch (...) {
            _exit(ESCAPED);
        }
        _exit(WENT_ON);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        std::fprintf(stderr, "%s: a throwing callback ended with the wait status %#x\n", what, static_cast<unsigned>(status));
        std::exit(1);
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    ends_the_process("stream", streams, argv[1]);
    ends_the_process("splitter", splits, argv[1]);
    return 0;
}
