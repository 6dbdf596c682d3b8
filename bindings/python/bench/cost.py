"""CPU time of a whole answer and of a streamed line, beside httpx doing the same raw work.

    python cost.py [--answers 2000] [--lines 400000] [--streams 100] [--rounds 3]

Needs httpx and the bundled upstream (MODELWIRE_UPSTREAM). Both sides ask the same server for the
same bytes; every figure is the CPU time of this process, all its threads included, as getrusage
tells it. The paced part keeps many streams open in one event loop, with an event every 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, Callable

import httpx

import modelwire

sys.path.insert(0, str(Path(__file__, "..", "..", "tests").resolve()))
from upstream import CHAT, STREAMED, Script, Upstream  # noqa: E402

EVENT = "data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": "hello "}}], "id": "c" * 60}) + "\n\n"
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
PACED_EVENTS = 20


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measured(work: Callable[[], int]) -> float:
    """Microseconds of CPU for each unit that `work` says it did."""
    before = cpu()
    units = work()
    return (cpu() - before) / units * 1e6


class Modelwire:
    def __init__(self, script: Script) -> None:
        self.config = json.dumps({"credentials": {"api_key": "k"}, "options": {"base_url": script.base}})

    def answers(self, count: int) -> int:
        request = json.dumps(CHAT)
        for _ in range(count):
            assert modelwire.completions("openai_compatible", self.config, request).body
        return count

    def lines(self) -> int:
        return sum(1 for _ in modelwire.stream("openai_compatible", self.config, json.dumps(STREAMED)))

    async def paced(self, streams: int) -> int:
        async def one() -> int:
            count = 0
            async for _ in modelwire.astream("openai_compatible", self.config, json.dumps(STREAMED)):
                count += 1
            return count

        return sum(await asyncio.gather(*(one() for _ in range(streams))))


class Httpx:
    def __init__(self, script: Script) -> None:
        self.url = script.base + "/chat/completions"
        self.client = httpx.Client(timeout=60, headers={"authorization": "Bearer k", "content-type": "application/json"})

    def answers(self, count: int) -> int:
        request = json.dumps(CHAT).encode()
        for _ in range(count):
            assert self.client.post(self.url, content=request).content
        return count

    def lines(self) -> int:
        with self.client.stream("POST", self.url, content=json.dumps(STREAMED).encode()) as response:
            return sum(1 for _ in split(response.iter_raw()))

    async def paced(self, streams: int) -> int:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:

            async def one() -> int:
                count, rest = 0, b""
                async with client.stream("POST", self.url, content=json.dumps(STREAMED).encode()) as response:
                    async for chunk in response.aiter_raw():
                        *lines, rest = (rest + chunk).split(b"\n")
                        count += len(lines)
                return count

            return sum(await asyncio.gather(*(one() for _ in range(streams))))


def split(chunks: Any) -> Any:
    """Lines as bytes: cheaper than httpx's own iter_lines, which decodes them."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--lines", type=int, default=400_000)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if "MODELWIRE_UPSTREAM" not in os.environ:
        sys.exit("MODELWIRE_UPSTREAM names no upstream")

    upstream = Upstream()
    chunk = f"{len(EVENT):x}\r\n{EVENT}\r\n"
    chunked = {"send": HEAD + "transfer-encoding: chunked\r\n\r\n"}
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": "hello " * 40}}]})
    whole = upstream.script([{"reply": {"body": body}}])
    flood = upstream.script(
        [chunked, {"repeat": {"text": chunk, "times": asked.lines // 2}}, {"send": "0\r\n\r\n"}]
    )
    pause = [{"send": chunk}, {"pause_ms": 50}]
    paced = upstream.script([chunked, *pause * PACED_EVENTS, {"send": "0\r\n\r\n"}])

    print(f"{'microseconds of CPU':<34}{'modelwire':>12}{'httpx':>12}{'ratio':>8}")
    for name, script, work in [
        ("a whole answer", whole, lambda side: side.answers(asked.answers)),
        ("a line, sent as fast as it goes", flood, lambda side: side.lines()),
        (f"a line, {asked.streams} streams at 40/s", paced, lambda side: asyncio.run(side.paced(asked.streams))),
    ]:
        sides = [Modelwire(script), Httpx(script)]
        for side in sides:  # Connections and caches first.
            work(side)
        best = [min(measured(lambda: work(side)) for _ in range(asked.rounds)) for side in sides]
        print(f"{name:<34}{best[0]:>12.2f}{best[1]:>12.2f}{best[0] / best[1]:>8.2f}")
    upstream.stop()


if __name__ == "__main__":
    main()
