#!/usr/bin/env python3
"""Measures modelwire beside libcurl, Go's net/http and plain reqwest, in one run.

Every client is a process of its own that does the same work against the same upstream and
reports its own CPU time (getrusage). Clients take turns, A B C A B C, so that whatever
else the machine does meets all of them alike; a round's ratio compares neighbours, and the
table shows the median ratio with its spread. Times alone would say more about the machine
than about the code, so the bars are on ratios.

    run.py CLIENTS_DIR LIBRARY_DIR OUT_DIR [--quick]
"""

import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

# name, arguments behind the base URL, what one operation is, the clients that do it
WORK = [
    ("unary", ["unary"], [5000], "call", ["ours", "curl_easy", "go", "plain"]),
    ("unary, 256 KB request", ["unary"], [1000, 262144], "call", ["ours", "curl_easy", "go", "plain"]),
    ("unary, 20 MB request", ["unary"], [10, 20000000], "call", ["ours", "curl_easy", "go", "plain"]),
    ("stream, a chunk per event", ["event"], [200000], "line", ["ours", "curl_easy", "go", "plain"]),
    ("stream, 16 KB chunks", ["block"], [400000], "line", ["ours", "curl_easy", "go", "plain"]),
    ("1 paced stream", ["paced"], [1], "line", ["ours", "curl_multi", "go", "plain"]),
    ("10 paced streams", ["paced"], [10], "line", ["ours", "curl_multi", "go", "plain"]),
    ("100 paced streams", ["paced"], [100], "line", ["ours", "curl_multi", "go", "plain"]),
    ("1000 paced streams", ["paced"], [1000], "line", ["ours", "curl_multi", "go", "plain"]),
    ("5000 paced streams", ["paced"], [5000], "line", ["ours", "go"]),
]

# work, peer, the most that ours may cost beside it
BARS = [
    ("unary", "go", 0.70),
    ("unary", "curl_easy", 1.5),
    ("unary", "plain", 1.15),
    ("unary, 20 MB request", "curl_easy", 1.3),
    ("stream, a chunk per event", "go", 0.90),
    ("stream, a chunk per event", "curl_easy", 2.5),
    ("stream, a chunk per event", "plain", 1.25),
    ("1000 paced streams", "go", 0.65),
]

PEERS = {"curl_easy": "libcurl easy", "curl_multi": "libcurl multi", "go": "Go net/http", "plain": "reqwest"}


def main():
    clients, library, out = map(Path, sys.argv[1:4])
    quick = "--quick" in sys.argv
    raise_descriptor_limit()
    out.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, LD_LIBRARY_PATH=str(library))
    upstream, base = start_upstream(clients)
    try:
        results = [measure(work, clients, base, environment, quick) for work in WORK if fits(work, quick)]
    finally:
        upstream.stdin.close()
        upstream.wait()
    report = {"work": results, "bars": bars(results), "growth": growth(results), "size": sizes(library)}
    (out / "results.json").write_text(json.dumps(report, indent=2) + "\n")
    (out / "results.svg").write_text(plot(results))
    print(table(report))


def fits(work, quick):
    """Every stream takes a descriptor on both sides."""
    name, _, numbers, _, _ = work
    streams = numbers[0] if "paced" in name else 1
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if streams + 64 > limit:
        print(f"left out: {name} (the process may have {limit} descriptors)", file=sys.stderr)
        return False
    return not (quick and streams >= 5000)


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_upstream(clients):
    process = subprocess.Popen([clients / "upstream"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()[-1]


def measure(work, clients, base, environment, quick):
    name, mode, numbers, unit, names = work
    if quick and "paced" not in name:
        numbers = [max(numbers[0] // 4, 2), *numbers[1:]]
    paced = "paced" in name
    rounds = (2 if quick else 5) if paced else (4 if quick else 11)
    runs = {client: [] for client in names}
    for _ in range(rounds):
        for client in names:
            command = [clients / client, *mode, base, *map(str, numbers)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            runs[client].append(json.loads(done.stdout))
    cpu = {client: [run["cpu_us"] / run["ops"] for run in runs[client]] for client in names}
    wall = {client: [run["wall_us"] / run["ops"] for run in runs[client]] for client in names}
    print(f"  {name}: " + ", ".join(f"{client} {statistics.median(cpu[client]):.3f}" for client in names), file=sys.stderr)
    return {
        "name": name,
        "unit": unit,
        "cpu_us": {client: statistics.median(cpu[client]) for client in names},
        "wall_us": {client: statistics.median(wall[client]) for client in names},
        "rss_kb": {client: statistics.median(run["rss_kb"] for run in runs[client]) for client in names},
        "ratio": {client: spread(cpu["ours"], cpu[client]) for client in names if client != "ours"},
        "rounds": rounds,
    }


def spread(ours, theirs):
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    return {"median": statistics.median(ratios), "low": ratios[0], "high": ratios[-1]}


def bars(results):
    by_name = {result["name"]: result for result in results}
    rows = []
    for name, peer, bar in BARS:
        if name in by_name and peer in by_name[name]["ratio"]:
            ratio = by_name[name]["ratio"][peer]["median"]
            rows.append({"work": name, "peer": peer, "bar": bar, "ratio": ratio, "met": ratio <= bar})
    return rows


def growth(results):
    """CPU for each line as the number of streams grows."""
    paced = [result for result in results if "paced" in result["name"]]
    return {result["name"]: result["cpu_us"]["ours"] for result in paced}


def sizes(library):
    path = library / "libmodelwire.so"
    return {"shared_library_bytes": path.stat().st_size if path.exists() else None}


def table(report):
    lines = ["", "CPU of the client process in microseconds, and ours beside each peer's (median, low..high)", ""]
    for result in report["work"]:
        ours = result["cpu_us"]["ours"]
        lines.append(f"{result['name']}: {ours:.3f} us a {result['unit']}, peak {result['rss_kb']['ours'] / 1024:.1f} MB")
        for peer, ratio in result["ratio"].items():
            cost = result["cpu_us"][peer]
            lines.append(
                f"    {PEERS[peer]:14} {cost:9.3f} us   {ratio['median']:.2f}x ({ratio['low']:.2f}..{ratio['high']:.2f})"
                f"   peak {result['rss_kb'][peer] / 1024:.1f} MB"
            )
    lines += ["", "Bars"]
    for bar in report["bars"]:
        verdict = "met" if bar["met"] else "NOT met"
        lines.append(f"    {bar['work']} beside {PEERS[bar['peer']]}: {bar['ratio']:.2f}x, bar {bar['bar']:.2f}x: {verdict}")
    size = report["size"]["shared_library_bytes"]
    lines += ["", f"shared library: {size / 1e6:.2f} MB"] if size else []
    return "\n".join(lines)


def plot(results):
    """Bars of CPU per operation, ours and the peers', each work on its own scale."""
    colours = {"ours": "#1b6ca8", "curl_easy": "#b0b0b0", "curl_multi": "#b0b0b0", "go": "#6fb98f", "plain": "#d9a05b"}
    row, left, width = 20, 250, 340
    body, y = [], 34
    for result in results:
        top = max(result["cpu_us"].values())
        body.append(f'<text x="10" y="{y + 14}" font-weight="bold">{result["name"]}</text>')
        for client, cost in result["cpu_us"].items():
            length = max(cost / top * width, 1)
            label = "modelwire" if client == "ours" else PEERS[client]
            body.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end" fill="#444">{label}</text>')
            body.append(f'<rect x="{left}" y="{y + 3}" width="{length:.1f}" height="14" fill="{colours[client]}"/>')
            body.append(f'<text x="{left + length + 6:.1f}" y="{y + 14}" fill="#444">{cost:.2f} us</text>')
            y += row
        y += 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="{y + 10}" font-family="sans-serif" font-size="12">'
    title = '<rect width="100%" height="100%" fill="white"/><text x="10" y="20" font-size="14">CPU of the client process per operation (less is better)</text>'
    return "\n".join([head, title, *body, "</svg>", ""])


main()
