"""The scripted upstream as a process of its own; MODELWIRE_UPSTREAM names its program."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import time
import urllib.request
from typing import Any, Optional

DEADLINE = 20  # Seconds; never reached unless something hangs.
_numbers = itertools.count()


class Upstream:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [os.environ["MODELWIRE_UPSTREAM"], "--until-eof"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._process.stdout.readline().split()[-1]

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def script(self, *replies: Any) -> Script:
        return Script(self, list(replies))

    def http(self, method: str, path: str, body: Optional[bytes] = None) -> bytes:
        request = urllib.request.Request(self.url + path, data=body, method=method)
        with urllib.request.urlopen(request) as response:
            return response.read()


class Script:
    """Replies that the upstream gives under a path of their own, each a list of steps."""

    def __init__(self, upstream: Upstream, replies: list[Any]) -> None:
        self._upstream = upstream
        self._path = f"/__scripts/python{next(_numbers)}"
        self.base = upstream.url + self._path.replace("__scripts", "s")
        upstream.http("PUT", self._path, json.dumps(replies).encode())

    def config(self, **more: Any) -> dict[str, Any]:
        """A config for openai_compatible."""
        return {"credentials": {"api_key": "k"}, "options": {"base_url": self.base}, **more}

    def open(self, gate: str) -> None:
        self._upstream.http("POST", f"{self._path}/gates/{gate}", b"")

    def requests(self) -> list[dict[str, Any]]:
        received = json.loads(self._upstream.http("GET", f"{self._path}/requests"))
        for request in received:
            request["body"] = base64.b64decode(request["body_base64"])
        return received

    def wait_for_request(self) -> None:
        until(lambda: bool(self.requests()))


def until(condition: Any) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


CHAT = {"model": "m", "messages": [{"role": "user", "content": "Say hello."}]}
STREAMED = {**CHAT, "stream": True}
TWO_THEN_HANG = [{"chunked_open": ["data: one\n\n"]}, "hang"]


def answer(body: str, status: int = 200, **headers: str) -> list[Any]:
    return [{"reply": {"status": status, "headers": headers, "body": body}}]
