// Runs the behaviour list through modelwire.hpp: each entry without exceptions, with them, and
// with a callback, as far as the compiler's mode has these ways.
//
//     behaviours http://127.0.0.1:PORT LIST
//
// The URL is the bundled upstream's, LIST what the example `behaviours` printed. Entries that
// cancel do it through a std::stop_token where there is one.
#include <modelwire.hpp>

#include "behaviours/compare.h"
#include "behaviours/control.h"
#include "behaviours/list.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

// One entry being performed, and what came out of it.
class Performance {
public:
    Performance(const behaviour &entry, unsigned id) : entry_(entry), id_(id), gate_waits_(entry.gate.data) {
        put_script(id, entry.script);
        char *text = config_at(&entry, base_of(id));
        config = text;
        std::free(text);
        provider = entry.provider.data;
        request = {entry.request.data, entry.request.len};
    }

    bool is(const char *operation) const { return is_text(entry_.operation, operation); }
    bool cancels() const { return entry_.cancel_after.data != nullptr; }
    bool cancels_at(const char *moment) const { return is_text(entry_.cancel_after, moment); }
    bool cancels_now() const { return count_ >= count_of(entry_.cancel_after); }
    void wait_until_sent() const { ::wait_until_sent(id_); }

    void take(std::string_view line) {
        lines_.append(line).push_back('\n');
        ++count_;
        if (gate_waits_ && count_ >= count_of(entry_.gate_after)) {
            gate_waits_ = false;
            open_gate(id_, entry_.gate);
        }
    }

    // A Result or an Error.
    template <class Outcome>
    void ended(const Outcome &with) {
        status_ = with.status();
        http_status_ = with.http_status();
        body_ = with.body();
        info_ = with.info().json();
    }

    bool behaves(const char *way) const {
        outcome came{};
        came.status = static_cast<std::int32_t>(status_);
        came.http_status = http_status_;
        came.body = {body_.data(), body_.size()};
        came.info = {info_.data(), info_.size()};
        came.lines = {lines_.data(), lines_.size()};
        char *requests = received(id_);
        const bool fine = ::behaves(&entry_, way, &came, requests);
        std::free(requests);
        return fine;
    }

    std::string provider;
    std::string config;
    std::string_view request;

private:
    const behaviour &entry_;
    unsigned id_;
    bool gate_waits_;
    std::string lines_;
    std::size_t count_ = 0;
    modelwire::Status status_ = modelwire::Status::panic;
    int http_status_ = -1;
    std::string body_;
    std::string info_;
};

// Cancels what an entry performs, at the moments that are not a number of lines.
class Canceller {
public:
#if MODELWIRE_HPP_STOP_TOKEN
    explicit Canceller(const Performance &performance) {
        if (performance.cancels_at("start"))
            source_.request_stop();
        if (performance.cancels_at("sent"))
            waiting_ = std::jthread([&] {
                performance.wait_until_sent();
                source_.request_stop();
            });
    }

    modelwire::TryStream try_stream(const Performance &p) const {
        return modelwire::try_stream(p.provider, p.config, p.request, source_.get_token());
    }
    modelwire::Result try_completions(const Performance &p) const {
        return modelwire::try_completions(p.provider, p.config, p.request, source_.get_token());
    }
    modelwire::Result try_test_connection(const Performance &p) const {
        return modelwire::try_test_connection(p.provider, p.config, source_.get_token());
    }
    std::stop_token token() const { return source_.get_token(); }

    template <class Stream>
    void cancel(const Stream &) {
        source_.request_stop();
    }

private:
    std::stop_source source_;
    std::jthread waiting_;
#else
    explicit Canceller(const Performance &performance) : performance_(performance) {}

    modelwire::TryStream try_stream(const Performance &p) const {
        modelwire::TryStream stream = modelwire::try_stream(p.provider, p.config, p.request);
        cancel_early(stream);
        return stream;
    }
    modelwire::Result try_completions(const Performance &p) const {
        if (!p.cancels())
            return modelwire::try_completions(p.provider, p.config, p.request);
        modelwire::Call call(modelwire::Operation::completions, p.provider, p.config, p.request);
        cancel_early(call);
        return call.finish();
    }
    modelwire::Result try_test_connection(const Performance &p) const {
        if (!p.cancels())
            return modelwire::try_test_connection(p.provider, p.config);
        modelwire::Call call(modelwire::Operation::test_connection, p.provider, p.config, {});
        cancel_early(call);
        return call.finish();
    }

    template <class Stream>
    void cancel(const Stream &stream) const {
        stream.cancel();
    }

private:
    template <class Cancellable>
    void cancel_early(const Cancellable &what) const {
        if (performance_.cancels_at("sent"))
            performance_.wait_until_sent();
        if (performance_.cancels_at("sent") || performance_.cancels_at("start"))
            what.cancel();
    }

    const Performance &performance_;
#endif
};

template <class Stream>
void take_all(Performance &performance, Canceller &canceller, Stream &stream) {
    for (const std::string_view line : stream) {
        performance.take(line);
        if (performance.cancels_now())
            canceller.cancel(stream);
    }
}

void without_exceptions(Performance &performance) {
    Canceller canceller(performance);
    if (performance.is("completions"))
        return performance.ended(canceller.try_completions(performance));
    if (performance.is("test_connection"))
        return performance.ended(canceller.try_test_connection(performance));
    modelwire::TryStream stream = canceller.try_stream(performance);
    take_all(performance, canceller, stream);
    performance.ended(stream.result());
}

void with_callback(Performance &performance) {
    performance.ended(modelwire::try_completions_stream(
        performance.provider, performance.config, performance.request,
        [&](std::string_view line) { performance.take(line); }));
}

#if MODELWIRE_HPP_EXCEPTIONS
void perform_throwing(Performance &performance) {
    const std::string &provider = performance.provider, &config = performance.config;
    const std::string_view request = performance.request;
    Canceller canceller(performance);
#if MODELWIRE_HPP_STOP_TOKEN
    if (performance.is("completions"))
        return performance.ended(modelwire::completions(provider, config, request, canceller.token()));
    if (performance.is("test_connection"))
        return performance.ended(modelwire::test_connection(provider, config, canceller.token()));
    modelwire::Stream stream = modelwire::stream(provider, config, request, canceller.token());
#else
    if (performance.is("completions"))
        return performance.ended(modelwire::completions(provider, config, request));
    if (performance.is("test_connection"))
        return performance.ended(modelwire::test_connection(provider, config));
    modelwire::Stream stream = modelwire::stream(provider, config, request);
#endif
    take_all(performance, canceller, stream);
    performance.ended(stream.result());
}

void with_exceptions(Performance &performance) {
    try {
        perform_throwing(performance);
    } catch (const modelwire::Error &error) {
        performance.ended(error);
    }
}

// Without a stop token, only a stream can be cancelled while a throwing function runs, and that
// in the loop.
bool can_throw(const Performance &performance) {
    return MODELWIRE_HPP_STOP_TOKEN || !(performance.cancels_at("start") || performance.cancels_at("sent"));
}
#endif

struct Tally {
    unsigned performed = 0;
    unsigned failed = 0;

    void run(const behaviour &entry, unsigned id, const char *way, void (*perform)(Performance &)) {
        Performance performance(entry, id);
        perform(performance);
        ++performed;
        failed += !performance.behaves(way);
    }
};

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        std::fputs("usage: behaviours UPSTREAM_URL LIST\n", stderr);
        return EXIT_FAILURE;
    }
    control_use(argv[1]);
    list entries = list_open(argv[2]);
    behaviour entry;
    unsigned count = 0;
    Tally tally;
    for (; list_next(&entries, &entry); ++count) {
        tally.run(entry, count, "without exceptions", without_exceptions);
#if MODELWIRE_HPP_EXCEPTIONS
        if (can_throw(Performance(entry, count)))
            tally.run(entry, count, "with exceptions", with_exceptions);
#endif
        if (is_text(entry.operation, "completions_stream") && entry.cancel_after.data == nullptr)
            tally.run(entry, count, "with a callback", with_callback);
    }
    list_close(&entries);
    modelwire::shutdown();
    std::printf("%u entries, %u performed, %u failed\n", count, tally.performed, tally.failed);
    return tally.failed == 0 && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
