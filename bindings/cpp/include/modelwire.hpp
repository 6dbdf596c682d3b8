// modelwire for C++17 and later: RAII, ranges and exceptions over the C ABI of modelwire.h.
//
// Everything here is inline and needs that header and the library. A function comes in two
// forms: `completions` throws modelwire::Error when it fails, `try_completions` is noexcept and
// returns a Result whatever happened. The first form is absent under -fno-exceptions.
//
// Inputs are bytes (std::string_view), borrowed during the call only. What a Result, an Error or
// a Stream hands out as a std::string_view belongs to that object. Any thread may call any
// function; one Stream or Call is read by one thread at a time, and cancelled from any.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef MODELWIRE_HPP
#define MODELWIRE_HPP

#include <modelwire.h>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define MODELWIRE_HPP_EXCEPTIONS 1
#include <exception>
#else
#define MODELWIRE_HPP_EXCEPTIONS 0
#endif

#if defined(__has_include) && __cplusplus >= 202002L
#if __has_include(<stop_token>)
#include <stop_token>
#endif
#endif
#if defined(__cpp_lib_jthread)
#define MODELWIRE_HPP_STOP_TOKEN 1
#else
#define MODELWIRE_HPP_STOP_TOKEN 0
#endif

static_assert(MODELWIRE_ABI_VERSION == 1, "modelwire.hpp and modelwire.h belong to different versions");

namespace modelwire {

// ---- words ----------------------------------------------------------------------------------

// The statuses of modelwire.h, which says what each one means.
enum class Status : std::int32_t {
    ok = MODELWIRE_OK,
    argument = MODELWIRE_E_ARGUMENT,
    handle = MODELWIRE_E_HANDLE,
    config = MODELWIRE_E_CONFIG,
    provider = MODELWIRE_E_PROVIDER,
    request = MODELWIRE_E_REQUEST,
    model_not_allowed = MODELWIRE_E_MODEL_NOT_ALLOWED,
    credentials = MODELWIRE_E_CREDENTIALS,
    connect = MODELWIRE_E_CONNECT,
    tls = MODELWIRE_E_TLS,
    timeout = MODELWIRE_E_TIMEOUT,
    cancelled = MODELWIRE_E_CANCELLED,
    backend = MODELWIRE_E_BACKEND,
    truncated = MODELWIRE_E_TRUNCATED,
    protocol = MODELWIRE_E_PROTOCOL,
    stream = MODELWIRE_E_STREAM,
    busy = MODELWIRE_E_BUSY,
    shutdown = MODELWIRE_E_SHUTDOWN,
    forked = MODELWIRE_E_FORKED,
    panic = MODELWIRE_E_PANIC,
};

// "ok", "backend", ...; static.
inline const char *name(Status status) noexcept {
    return modelwire_status_name(static_cast<std::int32_t>(status));
}

enum class Operation : std::uint32_t {
    completions = MODELWIRE_OP_COMPLETIONS,
    completions_stream = MODELWIRE_OP_COMPLETIONS_STREAM,
    test_connection = MODELWIRE_OP_TEST_CONNECTION,
    http_probe = MODELWIRE_OP_HTTP_PROBE,
};

// A provider's name: a string literal or a std::string, borrowed during the call.
class ProviderName {
public:
    ProviderName(const char *name) noexcept : name_(name) {}
    ProviderName(const std::string &name) noexcept : name_(name.c_str()) {}
    const char *c_str() const noexcept { return name_; }

private:
    const char *name_;
};

// Waits without end.
inline constexpr std::chrono::milliseconds forever{-1};

namespace detail {

inline const std::uint8_t *bytes(std::string_view text) noexcept {
    return reinterpret_cast<const std::uint8_t *>(text.data());
}

inline std::string_view text(const std::uint8_t *data, std::size_t len) noexcept {
    return {reinterpret_cast<const char *>(data), len};
}

inline std::int32_t clamped(std::chrono::milliseconds wait) noexcept {
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    return wait.count() < 0 ? -1 : wait.count() > most ? most : static_cast<std::int32_t>(wait.count());
}

} // namespace detail

// ---- results --------------------------------------------------------------------------------

// What is known about an operation: a view of the JSON object that modelwire_result_info
// describes, with its most wanted fields. It lives as long as what it was taken from.
class Info {
public:
    explicit Info(std::string_view json) noexcept : json_(json) {}

    std::string_view json() const noexcept { return json_; }

    // A field's JSON as it stands; empty if there is no such field.
    std::string_view field(std::string_view key) const noexcept;

    // A field that is a string, without its quotes; empty if it is null or no string. Names and
    // codes hold no escapes; other texts keep theirs.
    std::string_view text(std::string_view key) const noexcept {
        const std::string_view raw = field(key);
        return raw.size() >= 2 && raw.front() == '"' ? raw.substr(1, raw.size() - 2) : std::string_view{};
    }

    // How a stream ended: "done", "terminal", "eof", "stopped", "cancelled", "error".
    std::string_view end() const noexcept { return text("end"); }

    // Which deadline passed: "connect", "response_header", "idle", "total".
    std::string_view timeout() const noexcept { return text("timeout"); }

    // The provider's own code for its error.
    std::string_view error_code() const noexcept { return text("error_code"); }

    // Whether the same request may succeed later.
    bool retryable() const noexcept { return field("retryable") == "true"; }

    // How long the provider asks to wait before that.
    std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        const std::string_view raw = field("retry_after_ms");
        std::int64_t ms = 0;
        if (std::from_chars(raw.data(), raw.data() + raw.size(), ms).ec != std::errc{})
            return std::nullopt;
        return std::chrono::milliseconds{ms};
    }

private:
    std::string_view json_;
};

namespace detail {

// Past the string whose opening quote is at `at`.
inline std::size_t after_string(std::string_view json, std::size_t at) noexcept {
    for (++at; at < json.size() && json[at] != '"'; ++at)
        at += json[at] == '\\';
    return at + 1;
}

// Past the value that begins at `at`.
inline std::size_t after_value(std::string_view json, std::size_t at) noexcept {
    for (std::size_t depth = 0; at < json.size();) {
        const char c = json[at];
        const bool closes = c == '}' || c == ']';
        if (depth == 0 && (closes || c == ','))
            break;
        depth += c == '{' || c == '[';
        depth -= closes;
        at = c == '"' ? after_string(json, at) : at + 1;
    }
    return at;
}

} // namespace detail

// The library writes the object without spaces.
inline std::string_view Info::field(std::string_view key) const noexcept {
    for (std::size_t at = 1; at < json_.size() && json_[at] == '"';) {
        const std::size_t colon = detail::after_string(json_, at);
        const std::size_t end = detail::after_value(json_, colon + 1);
        if (end > json_.size())
            break;
        if (json_.substr(at + 1, colon - at - 2) == key)
            return json_.substr(colon + 1, end - colon - 1);
        at = end + 1;
    }
    return {};
}

// The outcome of an operation. Empty after a move, which reads as Status::argument.
class Result {
public:
    Result() noexcept = default;
    explicit Result(modelwire_result *owned) noexcept : owned_(owned) {}

    bool ok() const noexcept { return status() == Status::ok; }
    explicit operator bool() const noexcept { return ok(); }

    Status status() const noexcept { return static_cast<Status>(modelwire_result_status(get())); }

    // The response's status; 0 when none came.
    int http_status() const noexcept { return modelwire_result_http_status(get()); }

    // The provider's bytes, verbatim, also on Status::backend; or the JSON a function promises.
    std::string_view body() const noexcept {
        std::size_t len = 0;
        const std::uint8_t *data = modelwire_result_body(get(), &len);
        return detail::text(data, len);
    }

    // What went wrong, for people; "" on success.
    std::string_view message() const noexcept { return modelwire_result_message(get()); }

    Info info() const noexcept {
        std::size_t len = 0;
        const std::uint8_t *data = modelwire_result_info(get(), &len);
        return Info(detail::text(data, len));
    }

    modelwire_result *get() const noexcept { return owned_.get(); }
    modelwire_result *release() noexcept { return owned_.release(); }

private:
    struct Free {
        void operator()(modelwire_result *result) const noexcept { modelwire_result_free(result); }
    };
    std::unique_ptr<modelwire_result, Free> owned_;
};

#if MODELWIRE_HPP_EXCEPTIONS

// A failed operation. It holds copies, so it outlives whatever failed.
class Error : public std::exception {
public:
    explicit Error(const Result &result)
        : details_(std::make_shared<const Details>(Details{
              result.status(),
              result.http_status(),
              std::string(name(result.status())).append(": ").append(result.message()),
              std::string(result.body()),
              std::string(result.info().json()),
          })) {}

    // The status's name and the message.
    const char *what() const noexcept override { return details_->what.c_str(); }

    Status status() const noexcept { return details_->status; }
    int http_status() const noexcept { return details_->http_status; }
    std::string_view body() const noexcept { return details_->body; }
    Info info() const noexcept { return Info(details_->info); }

private:
    struct Details {
        Status status;
        int http_status;
        std::string what;
        std::string body;
        std::string info;
    };
    std::shared_ptr<const Details> details_; // copying an exception must not throw
};

namespace detail {

inline Result checked(Result result) {
    if (!result.ok())
        throw Error(result);
    return result;
}

} // namespace detail

#endif

// ---- calls in flight ------------------------------------------------------------------------

// What Call::next took.
struct Event {
    std::int32_t code = MODELWIRE_EVENT_AGAIN; // MODELWIRE_EVENT_..., or a status below 0
    std::string_view lines;                    // each ended by one '\n'; until the next next()

    bool again() const noexcept { return code == MODELWIRE_EVENT_AGAIN; }
    bool opened() const noexcept { return code == MODELWIRE_EVENT_OPENED; }
    bool has_lines() const noexcept { return code == MODELWIRE_EVENT_LINES; }
    bool ended() const noexcept { return code == MODELWIRE_EVENT_ENDED; }
    bool failed() const noexcept { return code < 0; }
};

// Waits for many calls at once, on one thread or through one descriptor.
class Poller {
public:
    Poller() noexcept : poller_(modelwire_poller_new()) {}
    Poller(Poller &&other) noexcept : poller_(std::exchange(other.poller_, 0)) {}
    Poller &operator=(Poller &&other) noexcept {
        Poller taken(std::move(other));
        std::swap(poller_, taken.poller_);
        return *this;
    }
    ~Poller() {
        if (poller_ != 0)
            modelwire_poller_free(poller_);
    }

    // Fills in the tokens of calls that became readable. How many; 0 after `wait`, or when
    // woken; a status below 0. A token comes again only after next() on its call said again().
    std::int32_t wait(std::uint64_t *tokens, std::size_t capacity,
                      std::chrono::milliseconds wait = forever) const noexcept {
        return modelwire_poller_wait(poller_, detail::clamped(wait), tokens, capacity);
    }
    template <std::size_t N>
    std::int32_t wait(std::uint64_t (&tokens)[N], std::chrono::milliseconds wait = forever) const noexcept {
        return this->wait(tokens, N, wait);
    }

    // Readable while tokens wait; it stays the poller's. Below 0 where there is none.
    int fd() const noexcept { return modelwire_poller_fd(poller_); }

    // Ends one wait(), this or the next.
    Status wake() const noexcept { return static_cast<Status>(modelwire_poller_wake(poller_)); }

    modelwire_poller get() const noexcept { return poller_; }

private:
    modelwire_poller poller_;
};

// An operation in flight. Destroying it cancels and waits for nothing.
class Call {
public:
    Call() noexcept = default;

    // Never fails: what is wrong with the arguments is the result of the call.
    Call(Operation operation, ProviderName provider, std::string_view config, std::string_view request) noexcept
        : Call(operation, provider, config, request, 0, 0) {}

    // The poller hands `token` out whenever this call is readable.
    Call(Operation operation, ProviderName provider, std::string_view config, std::string_view request,
         const Poller &poller, std::uint64_t token) noexcept
        : Call(operation, provider, config, request, poller.get(), token) {}

    Call(Call &&other) noexcept : call_(std::exchange(other.call_, 0)) {}
    Call &operator=(Call &&other) noexcept {
        Call taken(std::move(other));
        std::swap(call_, taken.call_);
        return *this;
    }
    ~Call() {
        if (call_ != 0)
            modelwire_release(call_);
    }

    // Whether there is a call; false after a move or finish().
    explicit operator bool() const noexcept { return call_ != 0; }

    Event next(std::chrono::milliseconds wait = forever) noexcept {
        const std::uint8_t *data = nullptr;
        std::size_t len = 0;
        const std::int32_t code = modelwire_next(call_, detail::clamped(wait), &data, &len);
        return {code, detail::text(data, len)};
    }

    // From any thread, at any time; the end still comes.
    void cancel() const noexcept { modelwire_cancel(call_); }

    // Waits for the end and gives the call up.
    Result finish() noexcept { return Result(modelwire_finish(std::exchange(call_, 0))); }

    modelwire_call get() const noexcept { return call_; }

private:
    Call(Operation operation, ProviderName provider, std::string_view config, std::string_view request,
         modelwire_poller poller, std::uint64_t token) noexcept
        : call_(modelwire_start(static_cast<std::uint32_t>(operation), provider.c_str(), detail::bytes(config),
                                config.size(), detail::bytes(request), request.size(), poller, token)) {}

    modelwire_call call_ = 0;
};

#if MODELWIRE_HPP_STOP_TOKEN

namespace detail {

struct CancelCall {
    modelwire_call call; // checked by its number: one that is gone is left alone
    void operator()() const noexcept { modelwire_cancel(call); }
};
using CancelOnStop = std::stop_callback<CancelCall>;

inline Result finish(Call call, const std::stop_token &stop) noexcept {
    const CancelOnStop guard(stop, CancelCall{call.get()});
    return call.finish();
}

} // namespace detail

#endif

// ---- streams --------------------------------------------------------------------------------

// A streamed answer: an input range of its lines, byte for byte as the provider sent them and
// without their ends. A line is valid until the iterator moves on. Leaving the loop early is
// fine; destroying the stream cancels what is left of it.
template <bool Throws>
class BasicStream {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;
        using pointer = const std::string_view *;
        using reference = std::string_view;

        iterator() noexcept = default;

        reference operator*() const noexcept { return stream_->line_; }
        pointer operator->() const noexcept { return &stream_->line_; }

        iterator &operator++() noexcept(!Throws) {
            BasicStream *stream = std::exchange(stream_, nullptr);
            if (stream->advance())
                stream_ = stream;
            return *this;
        }
        void operator++(int) noexcept(!Throws) { ++*this; }

        friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.stream_ == b.stream_; }
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.stream_ != b.stream_; }

    private:
        friend class BasicStream;
        explicit iterator(BasicStream *stream) noexcept : stream_(stream) {}
        BasicStream *stream_ = nullptr;
    };

    BasicStream(ProviderName provider, std::string_view config, std::string_view request) noexcept
        : call_(Operation::completions_stream, provider, config, request) {}

#if MODELWIRE_HPP_STOP_TOKEN
    BasicStream(ProviderName provider, std::string_view config, std::string_view request,
                const std::stop_token &stop) noexcept
        : BasicStream(provider, config, request) {
        if (!stop.stop_possible())
            return;
        guard_.reset(new (std::nothrow) detail::CancelOnStop(stop, detail::CancelCall{call_.get()}));
        if (guard_ == nullptr)
            cancel(); // rather than a call that nobody could stop
    }
#endif

    // The line at hand; waits for the first one. Where iterating throws, it throws Error once
    // the stream ended badly and every line that came was taken.
    iterator begin() noexcept(!Throws) {
        if (!begun_) {
            begun_ = true;
            if (!advance())
                return {};
        }
        return ended() ? iterator() : iterator(this);
    }
    iterator end() noexcept { return {}; }

    // True once every line was taken.
    bool ended() const noexcept { return !call_; }

    // How it ended, once ended() is true: status() and info().end() say.
    const Result &result() const noexcept { return result_; }

    // From any thread; the lines that came already are still there to be taken.
    void cancel() const noexcept { call_.cancel(); }

    // Cancels what is left, waits until it ended and says how.
    const Result &stop() noexcept {
        if (call_) {
            cancel();
            finish();
        }
        return result_;
    }

private:
    // Moves to the next line; false at the end.
    bool advance() noexcept(!Throws) {
        if (batch_.empty() && !take_batch()) {
            line_ = {};
            check();
            return false;
        }
        const std::size_t len = batch_.find('\n');
        line_ = batch_.substr(0, len);
        batch_.remove_prefix(len + 1);
        return true;
    }

    bool take_batch() noexcept {
        while (call_) {
            const Event event = call_.next();
            if (event.has_lines()) {
                batch_ = event.lines;
                return true;
            }
            if (event.ended() || event.failed())
                finish();
        }
        return false;
    }

    void finish() noexcept {
        line_ = batch_ = {};
        result_ = call_.finish();
#if MODELWIRE_HPP_STOP_TOKEN
        guard_.reset();
#endif
    }

    void check() const noexcept(!Throws) {
#if MODELWIRE_HPP_EXCEPTIONS
        if constexpr (Throws) {
            if (!result_.ok())
                throw Error(result_);
        }
#endif
    }

    Call call_;
    Result result_;
    std::string_view batch_; // whole lines that were not taken yet
    std::string_view line_;
    bool begun_ = false;
#if MODELWIRE_HPP_STOP_TOKEN
    std::unique_ptr<detail::CancelOnStop> guard_;
#endif
};

// Iterating never throws: look at result() after the loop.
using TryStream = BasicStream<false>;

inline TryStream try_stream(ProviderName provider, std::string_view config, std::string_view request) noexcept {
    return TryStream(provider, config, request);
}

#if MODELWIRE_HPP_STOP_TOKEN
inline TryStream try_stream(ProviderName provider, std::string_view config, std::string_view request,
                            const std::stop_token &stop) noexcept {
    return TryStream(provider, config, request, stop);
}
#endif

#if MODELWIRE_HPP_EXCEPTIONS
// Iterating throws Error when the stream ended badly.
using Stream = BasicStream<true>;

inline Stream stream(ProviderName provider, std::string_view config, std::string_view request) noexcept {
    return Stream(provider, config, request);
}

#if MODELWIRE_HPP_STOP_TOKEN
inline Stream stream(ProviderName provider, std::string_view config, std::string_view request,
                     const std::stop_token &stop) noexcept {
    return Stream(provider, config, request, stop);
}
#endif
#endif

// ---- callbacks ------------------------------------------------------------------------------

namespace detail {

// Carries a callable through the C callback. An exception must not cross C: it is kept there,
// ends the stream, and goes on from rethrow().
template <class F>
class LineSink {
public:
    explicit LineSink(F &on_line) noexcept : on_line_(on_line) {}

    static std::int32_t take(void *self, const std::uint8_t *line, std::size_t len) noexcept {
        return static_cast<LineSink *>(self)->guarded(text(line, len)) ? 0 : 1;
    }

    void rethrow() const noexcept(nothrow) {
#if MODELWIRE_HPP_EXCEPTIONS
        if constexpr (!nothrow) {
            if (thrown_)
                std::rethrow_exception(thrown_);
        }
#endif
    }

    static constexpr bool nothrow = !MODELWIRE_HPP_EXCEPTIONS || std::is_nothrow_invocable_v<F &, std::string_view>;

private:
    bool guarded(std::string_view line) noexcept {
#if MODELWIRE_HPP_EXCEPTIONS
        if constexpr (!nothrow) {
            try {
                return wants_more(line);
            } catch (...) {
                thrown_ = std::current_exception();
                return false;
            }
        }
#endif
        return wants_more(line);
    }

    bool wants_more(std::string_view line) noexcept(nothrow) {
        if constexpr (std::is_void_v<std::invoke_result_t<F &, std::string_view>>) {
            on_line_(line);
            return true;
        } else {
            return static_cast<bool>(on_line_(line));
        }
    }

    F &on_line_;
#if MODELWIRE_HPP_EXCEPTIONS
    std::exception_ptr thrown_;
#endif
};

} // namespace detail

// Streams on this thread: `on_line` takes each line as a std::string_view and returns whether to
// go on, or nothing. What it throws ends the stream and comes out of this function.
template <class F>
Result try_completions_stream(ProviderName provider, std::string_view config, std::string_view request,
                              F &&on_line) noexcept(detail::LineSink<std::remove_reference_t<F>>::nothrow) {
    using Sink = detail::LineSink<std::remove_reference_t<F>>;
    Sink sink(on_line);
    Result result(modelwire_completions_stream(provider.c_str(), detail::bytes(config), config.size(),
                                               detail::bytes(request), request.size(), Sink::take, &sink));
    sink.rethrow();
    return result;
}

// Splits any byte stream into lines. One thread at a time.
class LineSplitter {
public:
    LineSplitter() noexcept : owned_(modelwire_sse_new()) {}

    // Calls `on_line` for each line that these bytes complete. 1 once the [DONE] line was
    // delivered or `on_line` said stop, else 0, or a status below 0.
    template <class F>
    std::int32_t feed(std::string_view data, F &&on_line) noexcept(
        detail::LineSink<std::remove_reference_t<F>>::nothrow) {
        return deliver(on_line, [&](auto take, void *sink) noexcept {
            return modelwire_sse_feed(owned_.get(), detail::bytes(data), data.size(), take, sink);
        });
    }

    // The bytes are over: a last line may have no end.
    template <class F>
    std::int32_t end(F &&on_line) noexcept(detail::LineSink<std::remove_reference_t<F>>::nothrow) {
        return deliver(on_line, [&](auto take, void *sink) noexcept {
            return modelwire_sse_end(owned_.get(), take, sink);
        });
    }

private:
    template <class F, class Run>
    static std::int32_t deliver(F &on_line, Run run) noexcept(detail::LineSink<F>::nothrow) {
        detail::LineSink<F> sink(on_line);
        const std::int32_t answer = run(&detail::LineSink<F>::take, &sink);
        sink.rethrow();
        return answer;
    }

    struct Free {
        void operator()(modelwire_sse *sse) const noexcept { modelwire_sse_free(sse); }
    };
    std::unique_ptr<modelwire_sse, Free> owned_;
};

// ---- operations that block ------------------------------------------------------------------

inline Result try_completions(ProviderName provider, std::string_view config, std::string_view request) noexcept {
    return Result(modelwire_completions(provider.c_str(), detail::bytes(config), config.size(),
                                        detail::bytes(request), request.size()));
}

// The body is the probe's verdict; a probe that came to one is a success.
inline Result try_test_connection(ProviderName provider, std::string_view config) noexcept {
    return Result(modelwire_test_connection(provider.c_str(), detail::bytes(config), config.size()));
}

// The GET behind a connection test: `request` is JSON {"url", "headers", "bearer"}.
inline Result try_run_http_probe(ProviderName provider, std::string_view request) noexcept {
    return Result(modelwire_run_http_probe(provider.c_str(), detail::bytes(request), request.size()));
}

#if MODELWIRE_HPP_STOP_TOKEN
inline Result try_completions(ProviderName provider, std::string_view config, std::string_view request,
                              const std::stop_token &stop) noexcept {
    return detail::finish(Call(Operation::completions, provider, config, request), stop);
}

inline Result try_test_connection(ProviderName provider, std::string_view config,
                                  const std::stop_token &stop) noexcept {
    return detail::finish(Call(Operation::test_connection, provider, config, {}), stop);
}
#endif

// ---- without the network --------------------------------------------------------------------

// The request as it would be sent, secrets redacted; nothing is sent.
inline Result try_prepare(ProviderName provider, std::string_view config, std::string_view request,
                          Operation operation) noexcept {
    return Result(modelwire_prepare(provider.c_str(), detail::bytes(config), config.size(), detail::bytes(request),
                                    request.size(), static_cast<std::uint32_t>(operation)));
}

// The body is the options, decoded and normalised, as JSON.
inline Result try_validate_provider_options(ProviderName provider, std::string_view options) noexcept {
    return Result(modelwire_validate_provider_options(provider.c_str(), detail::bytes(options), options.size()));
}

// Starts the library with these options, which are JSON; without it the first operation does.
inline Result try_init(std::string_view options) noexcept {
    return Result(modelwire_init(detail::bytes(options), options.size()));
}

// Ends what runs after `grace`, joins every thread and closes every connection.
inline Status shutdown(std::chrono::milliseconds grace = std::chrono::milliseconds{0}) noexcept {
    const std::int32_t ms = detail::clamped(grace);
    return static_cast<Status>(modelwire_shutdown(ms < 0 ? 0 : static_cast<std::uint32_t>(ms)));
}

inline Status set_default_http_timeout(std::chrono::milliseconds timeout) noexcept {
    const auto ms = timeout.count();
    return static_cast<Status>(modelwire_set_default_http_timeout(ms < 0 ? 0 : static_cast<std::uint64_t>(ms)));
}

// What an HTTP status means as the answer to a probe; a null name asks in general.
inline Result classify_probe_status(ProviderName provider, int http_status) noexcept {
    return Result(modelwire_classify_probe_status(provider.c_str(), http_status));
}

inline Result describe() noexcept { return Result(modelwire_describe()); }
inline Result stats() noexcept { return Result(modelwire_stats()); }
inline std::string_view version() noexcept { return modelwire_version(); }
inline std::uint32_t abi_version() noexcept { return modelwire_abi_version(); }

// A JSON array of names.
inline std::string_view supported_providers() noexcept { return modelwire_supported_providers(); }
inline bool is_valid_provider(ProviderName provider) noexcept {
    return modelwire_is_valid_provider(provider.c_str()) == 1;
}

// ---- the same, throwing ---------------------------------------------------------------------

#if MODELWIRE_HPP_EXCEPTIONS

inline Result completions(ProviderName provider, std::string_view config, std::string_view request) {
    return detail::checked(try_completions(provider, config, request));
}

template <class F>
Result completions_stream(ProviderName provider, std::string_view config, std::string_view request, F &&on_line) {
    return detail::checked(try_completions_stream(provider, config, request, on_line));
}

inline Result test_connection(ProviderName provider, std::string_view config) {
    return detail::checked(try_test_connection(provider, config));
}

inline Result run_http_probe(ProviderName provider, std::string_view request) {
    return detail::checked(try_run_http_probe(provider, request));
}

inline Result prepare(ProviderName provider, std::string_view config, std::string_view request,
                      Operation operation) {
    return detail::checked(try_prepare(provider, config, request, operation));
}

inline Result validate_provider_options(ProviderName provider, std::string_view options) {
    return detail::checked(try_validate_provider_options(provider, options));
}

inline void init(std::string_view options) { detail::checked(try_init(options)); }

#if MODELWIRE_HPP_STOP_TOKEN
inline Result completions(ProviderName provider, std::string_view config, std::string_view request,
                          const std::stop_token &stop) {
    return detail::checked(try_completions(provider, config, request, stop));
}

inline Result test_connection(ProviderName provider, std::string_view config, const std::stop_token &stop) {
    return detail::checked(try_test_connection(provider, config, stop));
}
#endif

#endif

} // namespace modelwire

#endif // MODELWIRE_HPP
