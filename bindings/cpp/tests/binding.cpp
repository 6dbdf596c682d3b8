// What modelwire.hpp adds to the ABI: owners, iterators, exceptions, stop tokens. What comes
// over the wire is the behaviour list's business.
//
//     binding http://127.0.0.1:PORT
//
// The URL is the bundled upstream's. The last line is `N passed, N failed`.
#include <modelwire.hpp>

#include "behaviours/control.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if MODELWIRE_HPP_STOP_TOKEN
#include <ranges>
#include <thread>
#endif

namespace {

using modelwire::Call;
using modelwire::Operation;
using modelwire::Result;
using modelwire::Status;
using modelwire::TryStream;

unsigned passed, failed;

void check(bool condition, const char *what, int line) {
    ++(condition ? passed : failed);
    if (!condition)
        std::printf("binding.cpp:%d: failed: %s\n", line, what);
}
#define CHECK(...) check((__VA_ARGS__), #__VA_ARGS__, __LINE__)

constexpr const char *provider = "openai_compatible";
constexpr std::string_view request = R"({"model":"m","stream":true,"messages":[]})";

// The id under which the upstream plays the script that was put last.
unsigned id;

std::string put(std::string_view script) {
    put_script(++id, {script.data(), script.size()});
    return std::string(R"({"credentials":{"api_key":"k"},"options":{"base_url":")") + base_of(id) + R"("}})";
}

std::string three_lines() { return put(R"([[{"sse":"data: a\ndata: b\ndata: [DONE]\n"}]])"); }
std::string hanging() { return put(R"([[{"chunked_open":["data: a\ndata: b\n"]},"hang"]])"); }
std::string cut() { return put(R"([[{"chunked_open":["data: a\ndata: b\n"]},"close"]])"); }
std::string refusing() {
    return put(R"([[{"reply":{"status":429,"headers":{"retry-after":"7"},"body":"{\"error\":{\"code\":\"slow\"}}"}}]])");
}

using Lines = std::vector<std::string>;

void info_is_read() {
    const modelwire::Info info(R"({"a":"x","b":{"end":"no","list":[1,"}\\\"",{}]},"end":"done","n":null,"retryable":true,)"
                               R"("retry_after_ms":1250,"timeout":"idle","last":-1.5})");
    CHECK(info.end() == "done");
    CHECK(info.timeout() == "idle");
    CHECK(info.retryable());
    CHECK(info.retry_after() == std::chrono::milliseconds(1250));
    CHECK(info.field("b") == R"({"end":"no","list":[1,"}\\\"",{}]})");
    CHECK(info.field("last") == "-1.5");
    CHECK(info.field("n") == "null" && info.text("n").empty());
    CHECK(info.field("list").empty() && info.field("").empty());
    for (const char *odd : {"", "{", "{}", "{\"", "{\"end", "{\"end\"", "{\"end\":", "{\"end\":\"d", "null"})
        CHECK(modelwire::Info(odd).end().empty());
    CHECK(!modelwire::Info("{}").retry_after());
}

void results_are_owned_once() {
    static_assert(!std::is_copy_constructible_v<Result> && std::is_nothrow_move_constructible_v<Result>);
    static_assert(!std::is_copy_constructible_v<Call> && std::is_nothrow_move_assignable_v<Call>);
    static_assert(!std::is_copy_constructible_v<TryStream> && std::is_nothrow_move_constructible_v<TryStream>);
    Result verdict = modelwire::classify_probe_status("openai", 401);
    CHECK(verdict && verdict.body().find("authentication") != std::string_view::npos);
    const Result taken = std::move(verdict);
    CHECK(taken.ok() && !verdict.ok());
    CHECK(verdict.status() == Status::argument && verdict.body().empty() && verdict.info().end().empty());
    CHECK(modelwire::classify_probe_status(nullptr, 200).ok());
    CHECK(modelwire::abi_version() == MODELWIRE_ABI_VERSION && !modelwire::version().empty());
    CHECK(modelwire::is_valid_provider("openai") && !modelwire::is_valid_provider(std::string("nobody")));
    CHECK(std::string_view(name(Status::model_not_allowed)) == "model_not_allowed");
    CHECK(modelwire::try_validate_provider_options("openai", R"({"api":"x"})").status() == Status::config);
    CHECK(modelwire::try_prepare("openai", "{}", "{}", Operation::completions).status() == Status::credentials);
    CHECK(modelwire::try_init(R"({"worker_threads":"many"})").status() != Status::ok);
}

void a_call_is_followed_and_owned_once() {
    Call call(Operation::completions_stream, provider, three_lines(), request);
    Call moved = std::move(call);
    CHECK(!call && moved);
    CHECK(call.next().code == MODELWIRE_E_HANDLE && call.next().failed());
    CHECK(moved.next().opened());
    std::string lines;
    modelwire::Event event;
    while (!(event = moved.next()).ended())
        lines += event.lines;
    CHECK(lines == "data: a\ndata: b\ndata: [DONE]\n");
    CHECK(moved.finish().info().end() == "done");
    CHECK(!moved);

    Call other(Operation::completions_stream, provider, hanging(), request);
    const modelwire_call handle = other.get();
    other = Call();
    CHECK(modelwire_cancel(handle) == MODELWIRE_E_HANDLE); // the assignment released it
}

void a_poller_names_the_calls_that_are_readable() {
    modelwire::Poller poller;
    std::uint64_t tokens[4];
    CHECK(poller.wait(tokens, std::chrono::milliseconds{0}) == 0);
    Call call(Operation::completions_stream, provider, three_lines(), request, poller, 77);
    CHECK(poller.wait(tokens) == 1 && tokens[0] == 77);
    CHECK(poller.wake() == Status::ok);
    call = Call();
    while (poller.wait(tokens) != 0) {
    }
    CHECK(poller.fd() >= 0);
    const modelwire::Poller moved = std::move(poller);
    CHECK(poller.wake() == Status::handle && moved.wake() == Status::ok);
}

void a_stream_is_a_range() {
    TryStream stream = modelwire::try_stream(provider, three_lines(), request);
    CHECK(!stream.ended());
    Lines lines(stream.begin(), stream.end());
    CHECK(lines == Lines{"data: a", "data: b", "data: [DONE]"});
    CHECK(stream.ended() && stream.result().info().end() == "done");
    CHECK(stream.begin() == stream.end());

    TryStream broken = modelwire::try_stream(provider, cut(), request);
    lines.clear();
    for (const auto line : broken)
        lines.emplace_back(line);
    CHECK(lines == Lines{"data: a", "data: b"});
    CHECK(broken.result().status() == Status::truncated);

    TryStream refused = modelwire::try_stream(provider, refusing(), request);
    CHECK(refused.begin() == refused.end() && refused.result().http_status() == 429);
    CHECK(refused.result().body() == R"({"error":{"code":"slow"}})");
}

void a_stream_can_be_left_and_taken_up_again() {
    TryStream stream = modelwire::try_stream(provider, hanging(), request);
    for (const auto line : stream) {
        CHECK(line == "data: a");
        break;
    }
    CHECK(*stream.begin() == "data: a" && stream.begin()->size() == 7);
    TryStream moved = std::move(stream);
    CHECK(*++moved.begin() == "data: b");
    CHECK(moved.stop().status() == Status::cancelled);
    CHECK(moved.begin() == moved.end() && moved.result().info().end() == "cancelled");
}

void nothing_is_left_alive() {
    { TryStream dropped = modelwire::try_stream(provider, hanging(), request); }
    const Result stats = modelwire::stats();
    CHECK(modelwire::Info(stats.body()).field("calls") == "0");
    CHECK(modelwire::Info(stats.body()).field("pollers") == "0");
    CHECK(modelwire::Info(stats.body()).field("results") == "0"); // before this one
}

void a_callback_may_stop() {
    Lines lines;
    const Result result = modelwire::try_completions_stream(provider, hanging(), request, [&](std::string_view line) {
        lines.emplace_back(line);
        return false;
    });
    CHECK(result.ok() && result.info().end() == "stopped" && lines == Lines{"data: a"});

    modelwire::LineSplitter splitter;
    lines.clear();
    const auto keep = [&](std::string_view line) noexcept { lines.emplace_back(line); };
    static_assert(noexcept(splitter.feed("", keep)));
    CHECK(splitter.feed("one\r\ntw", keep) == 0 && splitter.feed("o\nthree", keep) == 0);
    CHECK(splitter.end(keep) == 0 && lines == Lines{"one", "two", "three"});
}

#if MODELWIRE_HPP_EXCEPTIONS
template <class Fails>
std::string thrown_by(Fails fails) {
    try {
        fails();
    } catch (const std::exception &error) {
        return error.what();
    }
    return "nothing";
}

void failures_are_thrown() {
    try {
        modelwire::completions(provider, refusing(), request);
        CHECK(false);
    } catch (const modelwire::Error &error) {
        const modelwire::Error copy = error;
        CHECK(copy.status() == Status::backend && copy.http_status() == 429);
        CHECK(copy.body() == R"({"error":{"code":"slow"}})");
        CHECK(copy.info().retryable() && copy.info().retry_after() == std::chrono::seconds(7));
        CHECK(copy.info().error_code() == "slow");
        CHECK(std::string(copy.what()) == "backend: the provider answered with status 429");
    }
    CHECK(modelwire::completions(provider, put(R"([[{"reply":{"body":"{}"}}]])"), request).body() == "{}");
    CHECK(thrown_by([] { modelwire::prepare("nobody", "{}", "{}", Operation::completions); }).find("provider: ") == 0);
    CHECK(thrown_by([] { modelwire::test_connection("openai", "{"); }).find("config: ") == 0);
    CHECK(thrown_by([] { modelwire::validate_provider_options("openai", "["); }).find("config: ") == 0);
    CHECK(thrown_by([] { modelwire::run_http_probe("openai", "{}"); }) != "");
    CHECK(thrown_by([] { modelwire::init("{"); }) != "nothing");
}

void a_broken_stream_throws_after_its_lines() {
    Lines lines;
    modelwire::Stream stream = modelwire::stream(provider, cut(), request);
    try {
        for (const auto line : stream)
            lines.emplace_back(line);
        CHECK(false);
    } catch (const modelwire::Error &error) {
        CHECK(error.status() == Status::truncated && error.http_status() == 200);
    }
    CHECK(lines == Lines{"data: a", "data: b"});
    CHECK(stream.ended() && stream.result().status() == Status::truncated);

    modelwire::Stream refused = modelwire::stream(provider, refusing(), request);
    CHECK(thrown_by([&] { refused.begin(); }).find("backend: ") == 0);
}

void an_exception_never_crosses_c() {
    unsigned lines = 0;
    const auto throws = [&](std::string_view) {
        ++lines;
        throw std::exception();
    };
    CHECK(thrown_by([&] { modelwire::completions_stream(provider, hanging(), request, throws); }) ==
          std::exception().what());
    modelwire::LineSplitter splitter;
    CHECK(thrown_by([&] { splitter.feed("a\nb\n", throws); }) == std::exception().what());
    CHECK(lines == 2);
    CHECK(modelwire::completions_stream(provider, three_lines(), request, [](auto) {}).info().end() == "done");
}

// No std::exception, and something that must be destroyed.
struct Unusual {
    std::shared_ptr<unsigned> lines;
};

template <class Use>
void comes_out_as_it_was(Use use) {
    const auto lines = std::make_shared<unsigned>(0);
    try {
        use([&](std::string_view) {
            if (++*lines == 2)
                throw Unusual{lines};
            return true;
        });
        CHECK(!"it was thrown");
    } catch (const Unusual &unusual) {
        CHECK(unusual.lines == lines && *lines == 2);
    }
    CHECK(lines.use_count() == 1);
}

void what_a_callback_throws_comes_out_of_every_form() {
    const std::string config = hanging();
    comes_out_as_it_was([&](auto on_line) { modelwire::completions_stream(provider, config, request, on_line); });
    comes_out_as_it_was([&](auto on_line) { (void)modelwire::try_completions_stream(provider, config, request, on_line); });
    modelwire::LineSplitter splitter;
    comes_out_as_it_was([&](auto on_line) { (void)splitter.feed("a\nb\nc\n", on_line); });
    modelwire::LineSplitter last;
    comes_out_as_it_was([&](auto on_line) {
        (void)last.feed("a\nb", on_line);
        (void)last.end(on_line);
    });
    nothing_is_left_alive();
}
#endif

#if MODELWIRE_HPP_STOP_TOKEN
static_assert(std::ranges::input_range<TryStream> && std::ranges::common_range<TryStream>);
static_assert(std::is_same_v<std::ranges::range_value_t<TryStream>, std::string_view>);
static_assert(std::movable<TryStream>);
#if MODELWIRE_HPP_EXCEPTIONS
static_assert(std::ranges::input_range<modelwire::Stream>);
#endif

void ranges_compose() {
    TryStream stream = modelwire::try_stream(provider, three_lines(), request);
    Lines texts;
    for (const auto text : stream | std::views::filter([](std::string_view line) { return !line.empty(); }) |
                               std::views::transform([](std::string_view line) { return line.substr(6); }) |
                               std::views::take_while([](std::string_view text) { return text != "[DONE]"; }))
        texts.emplace_back(text);
    CHECK(texts == Lines{"a", "b"});
    CHECK(std::ranges::distance(modelwire::try_stream(provider, three_lines(), request)) == 3);
}

// On the heap, where GCC 12 has no false warning about its own std::stop_source.
std::unique_ptr<std::stop_source> stop_source() { return std::make_unique<std::stop_source>(); }

void a_stop_token_cancels() {
    const auto stop = stop_source();
    TryStream stream = modelwire::try_stream(provider, hanging(), request, stop->get_token());
    std::jthread waiting;
    for (const auto line : stream)
        if (line == "data: b")
            waiting = std::jthread([&] { stop->request_stop(); });
    CHECK(stream.result().status() == Status::cancelled);

    const auto stopped = stop_source();
    stopped->request_stop();
    const auto status = modelwire::try_completions(provider, hanging(), request, stopped->get_token()).status();
    CHECK(status == Status::cancelled);
    const std::stop_token never;
    CHECK(modelwire::try_completions(provider, three_lines(), request, never).ok());
    CHECK(std::ranges::distance(modelwire::try_stream(provider, three_lines(), request, never)) == 3);

    const auto outlives = stop_source();
    { TryStream gone = modelwire::try_stream(provider, hanging(), request, outlives->get_token()); }
    CHECK(outlives->request_stop());
}
#endif

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fputs("usage: binding UPSTREAM_URL\n", stderr);
        return EXIT_FAILURE;
    }
    control_use(argv[1]);
    info_is_read();
    results_are_owned_once();
    a_call_is_followed_and_owned_once();
    a_poller_names_the_calls_that_are_readable();
    a_stream_is_a_range();
    a_stream_can_be_left_and_taken_up_again();
    a_callback_may_stop();
#if MODELWIRE_HPP_EXCEPTIONS
    failures_are_thrown();
    a_broken_stream_throws_after_its_lines();
    an_exception_never_crosses_c();
    what_a_callback_throws_comes_out_of_every_form();
#endif
#if MODELWIRE_HPP_STOP_TOKEN
    ranges_compose();
    a_stop_token_cancels();
#endif
    nothing_is_left_alive();
    CHECK(modelwire::shutdown() == Status::ok);
    std::printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
