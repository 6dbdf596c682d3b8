"""Runs the clients and reads what they say of themselves."""

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

from .work import OURS, ONCE, PARTS


class Bench:
    """The clients, the upstream they talk to, and how long to look."""

    def __init__(self, clients, library, quick):
        self.clients, self.library, self.quick = clients, library, quick
        self.environment = dict(os.environ, LD_LIBRARY_PATH=str(library.parent))

    def __enter__(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for the children
        self.descriptors = hard
        self.upstream = subprocess.Popen([self.clients / "upstream"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.base = self.upstream.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.upstream.stdin.close()
        self.upstream.wait()

    def work(self, work):
        """Rounds of every client in turn; None where the machine has too few descriptors."""
        if work.streams + 64 > self.descriptors:
            say(f"left out: {work.name} (a process may have {self.descriptors} descriptors)")
            return None
        numbers = work.quick if self.quick else work.numbers
        rounds = work.rounds[self.quick]
        runs = {client: [] for client in work.clients}
        for _ in range(rounds):
            for client in work.clients:
                runs[client].append(json.loads(self.run(client, work.mode, self.base, *numbers)))
        figures = [figure_of(figure, runs) for figure in work.figures]
        first = figures[0]["median"]
        say(f"  {work.name}: " + ", ".join(f"{client} {first[client]:.3f}" for client in work.clients))
        return {
            "name": work.name, "mode": work.mode, "numbers": numbers, "rounds": rounds,
            "streams": work.streams, "growth": work.growth, "size": work.size, "figures": figures,
            "wall_us": {client: medians(runs[client], lambda run: run["wall_us"] / run["ops"]) for client in work.clients},
            "peak_kb": {client: medians(runs[client], lambda run: run["peak_kb"]) for client in work.clients},
            "threads": {client: medians(runs[client], lambda run: run["threads"]) for client in work.clients},
        }

    def run(self, client, *arguments):
        command = [str(self.clients / client), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def start(self):
        """A fresh process that loads a library, makes a call, and lets go of it."""
        libraries = {"ours": self.library, "libcurl": "libcurl.so.4"}
        runs = {name: [] for name in libraries}
        for _ in range(8 if self.quick else 25):
            for name, library in libraries.items():
                runs[name].append(json.loads(self.run("start", name, library, self.base)))
        return {name: {key: medians(of, lambda run: run[key]) for key in of[0]} for name, of in runs.items()}

    def once(self):
        """A whole program of one request, from its start to its end, as its parent sees it."""
        runs = {client: [] for client in ONCE}
        for _ in range(8 if self.quick else 25):
            for client in ONCE:
                runs[client].append(self.spawned(client))
        return {client: {key: medians(of, lambda run: run[key]) for key in of[0]} for client, of in runs.items()}

    def spawned(self, client):
        begun = time.monotonic()
        command = [str(self.clients / client), "once", self.base, "1"]
        nothing = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        pid = os.posix_spawn(command[0], command, self.environment, file_actions=nothing)
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - begun
        if status:
            sys.exit(f"{' '.join(command)} ended with {status}")
        return {"wall_us": wall * 1e6, "cpu_us": (usage.ru_utime + usage.ru_stime) * 1e6}

    def parts(self):
        """Instructions for one operation of a part: the slope between two counts."""
        if shutil.which("valgrind") is None:
            say("left out: instruction counts (valgrind is not installed)")
            return {}
        few, many = 1000, 3000
        return {part: (self.instructions(part, many) - self.instructions(part, few)) / (many - few) for part in PARTS}

    def instructions(self, part, count):
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", self.clients / "parts", part, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def figure_of(figure, runs):
    values = {client: [figure.of(run) for run in of] for client, of in runs.items()}
    return {
        "key": figure.key, "title": figure.title, "unit": figure.unit,
        "median": {client: statistics.median(of) for client, of in values.items()},
        "ratio": {client: spread(values[OURS], of) for client, of in values.items() if client != OURS},
        # The binding's peer is what its language has without it.
        "binding": spread(values["go_ours"], values["go"]) if "go_ours" in values else None,
    }


def spread(ours, theirs):
    """Neighbours in a round, one divided by the other."""
    ratios = sorted(a / b if b else float("inf") for a, b in zip(ours, theirs))
    return {"median": statistics.median(ratios), "low": ratios[0], "high": ratios[-1]}


def medians(runs, of):
    return statistics.median(of(run) for run in runs)


def sizes(library):
    return {"shared_library_bytes": library.stat().st_size}


def say(text):
    print(text, file=sys.stderr, flush=True)
