"""Runs every entry of tests/behaviours.json through this package, waiting and in a loop.

    python behaviours.py [FILE]

An entry that asks for something unknown here fails, so that none is passed over in silence.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any, Callable, Optional

import modelwire

from upstream import Script, Upstream

LIST = Path(__file__, "..", "..", "..", "..", "tests", "behaviours.json").resolve()
KEYS = {"name", "provider", "operation", "config", "request", "script", "cancel_after", "open_gate", "expect"}
EXPECTED = {"status", "http_status", "lines", "all_lines", "body", "body_json", "info", "request"}
REQUEST = {"method", "target", "headers", "body"}
OPERATIONS = {"completions", "completions_stream", "test_connection"}


class Entry:
    def __init__(self, upstream: Upstream, fields: dict[str, Any]) -> None:
        expect = fields["expect"]
        unknown = fields.keys() - KEYS | expect.keys() - EXPECTED | (expect.get("request") or {}).keys() - REQUEST
        if unknown or fields["operation"] not in OPERATIONS:
            raise AssertionError(f"this runner does not know {unknown or fields['operation']}")
        self.provider: str = fields["provider"]
        self.streams = fields["operation"] == "completions_stream"
        self.tests = fields["operation"] == "test_connection"
        self.script = Script(upstream, fields["script"])
        config = fields["config"]
        text = config if isinstance(config, str) else json.dumps(config)
        self.config = text.replace("{base}", self.script.base)
        self.request = octets(fields.get("request", ""))
        self.cancel_after = fields.get("cancel_after")
        self.gate = fields.get("open_gate")
        self.expect: dict[str, Any] = expect

    def reached(self, lines: list[bytes], cancel: Callable[[], None]) -> None:
        """Does what the entry wants done after so many lines."""
        if self.gate and len(lines) >= self.gate["after_lines"]:
            self.script.open(self.gate["name"])
            self.gate = None
        if isinstance(self.cancel_after, int) and len(lines) >= self.cancel_after:
            cancel()


class Outcome:
    def __init__(self, lines: list[bytes], ended: Any) -> None:
        """`ended` is a Response or the exception in its place."""
        self.lines = lines
        self.status = ended.name if isinstance(ended, modelwire.ModelwireError) else "ok"
        self.http_status: int = ended.http_status
        self.body: bytes = ended.body
        self.info: dict[str, Any] = ended.info


def waiting(entry: Entry) -> Outcome:
    lines: list[bytes] = []
    arguments = (entry.provider, entry.config)
    try:
        if entry.streams:
            stream = modelwire.stream(*arguments, entry.request)
            cancel_early(entry, stream.cancel)
            for line in stream:
                lines.append(line)
                entry.reached(lines, stream.cancel)
            return Outcome(lines, stream.response)
        if entry.cancel_after is None:
            if entry.tests:
                return Outcome(lines, modelwire.test_connection(*arguments))
            return Outcome(lines, modelwire.completions(*arguments, entry.request))
        if entry.tests:
            call = modelwire.start_test_connection(*arguments)
        else:
            call = modelwire.start_completions(*arguments, entry.request)
        cancel_early(entry, call.cancel)
        return Outcome(lines, call.result())
    except modelwire.ModelwireError as error:
        return Outcome(lines, error)


def cancel_early(entry: Entry, cancel: Callable[[], None]) -> None:
    if entry.cancel_after == "sent":
        entry.script.wait_for_request()
    if entry.cancel_after in ("start", "sent"):
        cancel()


async def looping(entry: Entry) -> Optional[Outcome]:
    """None where the task was cancelled: asyncio's exception for that has no place for the rest."""
    lines: list[bytes] = []
    try:
        if entry.streams:
            stream = modelwire.astream(entry.provider, entry.config, entry.request)
            await cancel_early_async(entry, stream.cancel)
            async for line in stream:
                lines.append(line)
                entry.reached(lines, stream.cancel)
            return Outcome(lines, stream.response)
        if entry.tests:
            operation = modelwire.atest_connection(entry.provider, entry.config)
        else:
            operation = modelwire.acompletions(entry.provider, entry.config, entry.request)
        task = asyncio.ensure_future(operation)
        await asyncio.sleep(0)
        await cancel_early_async(entry, task.cancel)
        return Outcome(lines, await task)
    except asyncio.CancelledError:
        return None
    except modelwire.ModelwireError as error:
        return Outcome(lines, error)


async def cancel_early_async(entry: Entry, cancel: Callable[[], Any]) -> None:
    if entry.cancel_after == "sent":
        await asyncio.get_running_loop().run_in_executor(None, entry.script.wait_for_request)
    if entry.cancel_after in ("start", "sent"):
        cancel()


def differences(entry: Entry, outcome: Optional[Outcome]) -> list[str]:
    expect = entry.expect
    if outcome is None:
        found: list[tuple[str, Any, Any]] = [("status", "cancelled", expect["status"])]
    else:
        found = compared(outcome, expect)
    if "request" in expect:
        found += requests(entry.script.requests(), expect["request"])
    return [f"{what}: {str(is_)[:200]}, not {str(wanted)[:200]}" for what, is_, wanted in found if is_ != wanted]


def compared(outcome: Outcome, expect: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """What it is about, what it is, what it should be."""
    found: list[tuple[str, Any, Any]] = [
        ("status", outcome.status, expect["status"]),
        ("http_status", outcome.http_status, expect["http_status"]),
    ]
    if "lines" in expect:
        found.append(("lines", outcome.lines, [octets(line) for line in expect["lines"]]))
    if "all_lines" in expect:
        found.append(("lines", b"".join(line + b"\n" for line in outcome.lines), octets(expect["all_lines"])))
    if "body" in expect:
        found.append(("body", outcome.body, octets(expect["body"])))
    for key, value in expect.get("body_json", {}).items():
        found.append((f"body.{key}", json.loads(outcome.body).get(key), value))
    for key, value in expect.get("info", {}).items():
        found.append((f"info.{key}", outcome.info[key], value))
    return found


def requests(received: list[dict[str, Any]], wanted: Optional[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    """What the upstream received: exactly one request, or none where null is wanted."""
    found: list[tuple[str, Any, Any]] = [("requests", len(received), 0 if wanted is None else 1)]
    for request in received[:1] if wanted else []:
        for key in wanted.keys() - {"headers"}:
            is_wanted = octets(wanted[key]) if key == "body" else wanted[key]
            found.append((f"request {key}", request[key], is_wanted))
        for name, value in wanted.get("headers", {}).items():
            values = [text for header, text in request["headers"] if header.lower() == name]
            found.append((f"request header {name}", values, [value]))
    return found


def octets(value: Any) -> bytes:
    """Text, {"base64"}, {"repeat", "times"}, or an array of these in a row."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return b"".join(map(octets, value))
    if "base64" in value:
        return base64.b64decode(value["base64"])
    return value["repeat"].encode() * value["times"]


def main(path: Path) -> int:
    contents = json.loads(path.read_text())
    assert contents["version"] == 1, "another version of the list"
    entries = contents["behaviours"]
    upstream = Upstream()
    failures = 0
    for fields in entries:
        for run in (waiting, lambda entry: asyncio.run(looping(entry))):
            try:
                entry = Entry(upstream, fields)
                problems = differences(entry, run(entry))
            except Exception as error:  # A surprise fails its entry, not the rest.
                problems = [repr(error)]
            for problem in problems:
                print(f"{fields['name']}: {problem}")
            failures += bool(problems)
    upstream.stop()
    print(f"behaviours: {len(entries)} entries, each waiting and in a loop, {failures} failed")
    return failures != 0 or not entries


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else LIST))
