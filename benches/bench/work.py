"""What is measured, with which clients, and the bars it is held to."""

from dataclasses import dataclass

OURS = "ours"
NAMES = {
    "ours": "modelwire",
    "curl_easy": "libcurl easy",
    "curl_multi": "libcurl multi",
    "go": "Go net/http",
    "plain": "reqwest",
    "go_ours": "modelwire in Go",
    "libcurl": "libcurl",
}

BODY = 20_000_000


@dataclass(frozen=True)
class Figure:
    """A number that a run gives, for one operation."""

    key: str
    title: str
    unit: str
    of: object  # from a run's JSON to the number


@dataclass(frozen=True)
class Work:
    """One row of the plan: what every one of `clients` does, and what is read from it."""

    name: str
    mode: str
    numbers: list
    quick: list
    clients: list
    figures: list
    rounds: tuple = (9, 3)  # full, quick
    streams: int = 1
    growth: str = ""  # the table of growth that its first figure belongs to
    size: int = 0  # where in that table


def cpu(unit):
    return Figure("cpu", "CPU", f"us a {unit}", lambda run: run["cpu_us"] / run["ops"])


STEADY = Figure("steady", "CPU, all streams open", "us a line",
                lambda run: run["steady_cpu_us"] / max(run["steady_ops"], 1))
WHOLE = Figure("cpu", "CPU, opening the streams included", "us a line", lambda run: run["cpu_us"] / run["ops"])
LATENCY = Figure("latency", "median", "us", lambda run: run["latency_us"])
LATE = Figure("latency_p99", "99th in a hundred", "us", lambda run: run["latency_p99_us"])
MEMORY = Figure("idle", "resident memory", "KB a stream", lambda run: run["idle_kb"] / run["ops"])
OPENING = Figure("cpu", "CPU to open it", "us a stream", lambda run: run["cpu_us"] / run["ops"])
# What the program held before is its own body, which it must have with any client.
PEAK = Figure("peak", "peak memory beyond the program's own body", "MB",
              lambda run: (run["peak_kb"] - run["held_kb"]) * 1024 / 1e6)

CALLS = ["ours", "curl_easy", "go", "plain"]
STREAMS = ["ours", "curl_multi", "go", "plain"]


def unary(name, size, count, quick, clients=CALLS, more=()):
    return Work(name, "unary", [count, size], [quick, size], clients, [cpu("call"), *more],
                rounds=(7, 3), growth="bytes", size=size)


def paced(streams, clients, every_ms=50, lines=60, quick_lines=24, rounds=(3, 1)):
    return Work(f"{streams} paced stream{'s' if streams > 1 else ''}", "paced", [streams, every_ms, lines],
                [streams, every_ms, quick_lines], clients, [STEADY, WHOLE], rounds=rounds,
                streams=streams, growth="lines", size=streams)


WORK = [
    Work("unary", "unary", [5000], [1500], [*CALLS, "go_ours"], [cpu("call")], rounds=(9, 4)),
    unary("unary, 1 KB request", 1_000, 2000, 1000),
    unary("unary, 16 KB request", 16_000, 2000, 600),
    unary("unary, 256 KB request", 256_000, 400, 150),
    unary("unary, 4 MB request", 4_000_000, 30, 8),
    unary("unary, 20 MB request", BODY, 8, 3, more=[PEAK]),
    Work("stream, a chunk per event", "event", [200_000], [100_000], [*CALLS, "go_ours"], [cpu("line")], rounds=(9, 4)),
    Work("stream, 16 KB chunks", "block", [400_000], [200_000], CALLS, [cpu("line")], rounds=(9, 4)),
    Work("time to the first line", "first", [1000], [300], [*CALLS, "go_ours"], [LATENCY, LATE], rounds=(5, 2)),
    Work("cancelling a stream", "cancel", [500], [200], ["ours", "go", "plain", "go_ours"], [LATENCY, LATE], rounds=(5, 2)),
    Work("1000 idle streams", "idle", [1000], [1000], [*STREAMS, "go_ours"], [MEMORY, OPENING], rounds=(5, 2), streams=1000),
    paced(1, STREAMS),
    paced(10, STREAMS),
    paced(100, STREAMS),
    paced(1000, [*STREAMS, "go_ours"], lines=100, quick_lines=50, rounds=(4, 2)),
    # As many lines a second as with 1000, so that only the number of streams differs.
    paced(5000, ["ours", "curl_multi", "go"], every_ms=250, lines=20, quick_lines=14, rounds=(3, 2)),
]

# What a fresh process pays; see measure.start and measure.once.
STARTS = {
    "load_us": "loading the library, us",
    "first_us": "its first call, us",
    "stop_us": "shutting it down, us",
    "threads": "its threads before the first call",
}
ONCE = ["ours", "curl_easy", "go", "plain", "go_ours"]

# The parts that callgrind counts, and what one operation is.
PARTS = {
    "splitter": "cut a line of 180 bytes out of a piece",
    "splitter_cut": "the same line in two pieces",
    "hand_over": "hand a line over to a waiting reader",
    "hand_over_polled": "the same by way of a poller, until nothing is left",
    "config": "read a config of 258 bytes",
    "look_up": "find a call by its handle among 1000",
}

# work, figure, peer, the most that ours may be beside it
RATIO_BARS = [
    ("unary", "cpu", "go", 0.70),
    ("unary", "cpu", "curl_easy", 1.5),
    ("unary", "cpu", "plain", 1.15),
    ("stream, a chunk per event", "cpu", "go", 0.90),
    ("stream, a chunk per event", "cpu", "curl_easy", 2.5),
    ("stream, a chunk per event", "cpu", "plain", 1.25),
    ("1000 paced streams", "steady", "go", 0.65),
    ("1000 paced streams", "cpu", "go", 0.65),
    ("unary, 20 MB request", "cpu", "curl_easy", 1.3),
    ("1000 idle streams", "idle", "go", 1.0),
]
# work, figure, the most that ours may be
LIMIT_BARS = [
    ("1000 idle streams", "idle", 32),
    ("unary, 20 MB request", "peak", 1.2 * BODY / 1e6 + 16),
]
# figure, work, the work it is held against, the most
GROWTH_BARS = [("steady", "5000 paced streams", "1000 paced streams", 1.2)]
LIBRARY_MB = 8
LOAD_US = 5000
