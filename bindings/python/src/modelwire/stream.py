"""Streams: one call, read line by line on the caller's thread or in an event loop.

The library hands over whole batches of lines, and a batch costs one call into it whatever it
holds. Generators give them out from there, since nothing in Python does so cheaper. A generator
holds the call and never the stream object, so that leaving a loop releases the call at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Optional

from ._ffi import EVENT_AGAIN, EVENT_ENDED, EVENT_LINES, OP_COMPLETIONS_STREAM
from .call import Call, Json
from .errors import HANDLE
from .poller import Poller, Waiter, poller_of_running_loop
from .response import Response

# A stream whose lines come faster than they are read never waits; so that other tasks run all the
# same, they get a turn after so many lines.
_TURN_LINES = 1000


class _Outcome:
    """What the generator leaves behind for the stream object."""

    response: Optional[Response] = None


class Stream(Iterator[bytes]):
    """The lines of an answer, as bytes without their line ends, byte for byte as they were sent.

    Iteration ends when the stream did, or raises what ended it, after the lines that came before.
    One thread reads; any thread may cancel or close.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._outcome = _Outcome()
        self._generator = _read(call, self._outcome)

    def __iter__(self) -> Iterator[bytes]:
        return self._generator

    def __next__(self) -> bytes:
        return next(self._generator)

    @property
    def response(self) -> Optional[Response]:
        """Status and info, once the stream has ended well. info["end"] says how: done, terminal
        or eof."""
        return self._outcome.response

    def cancel(self) -> None:
        """Asks for the end. The reader gets what arrived, then CancelledError."""
        self._call.cancel()

    def close(self) -> None:
        """Cancels and forgets the stream; iteration is over. Harmless when it was already."""
        self._call.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncStream(AsyncIterator[bytes]):
    """The same for `async for`, without a thread: the loop that made it watches it."""

    def __init__(self, call: Call, waiter: Waiter) -> None:
        self._call = call
        self._waiter = waiter
        self._outcome = _Outcome()
        self._generator = _read_async(call, waiter, self._outcome)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._generator

    async def __anext__(self) -> bytes:
        return await self._generator.__anext__()

    @property
    def response(self) -> Optional[Response]:
        """Status and info, once the stream has ended well."""
        return self._outcome.response

    def cancel(self) -> None:
        """Asks for the end. The reader gets what arrived, then modelwire.CancelledError."""
        self._call.cancel()

    async def aclose(self) -> None:
        """Cancels and forgets the stream; iteration is over. Harmless when it was already."""
        self._call.close()
        self._waiter.wake()

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def open_stream(provider: str, config: Json, request: Json) -> Stream:
    return Stream(Call(OP_COMPLETIONS_STREAM, provider, config, request))


def open_async_stream(provider: str, config: Json, request: Json) -> AsyncStream:
    poller = poller_of_running_loop()
    waiter = poller.waiter()
    return AsyncStream(_watched(poller, waiter, OP_COMPLETIONS_STREAM, provider, config, request), waiter)


async def run_async(
    operation: int, provider: str, config: Json, request: Json, kind: type[Response]
) -> Response:
    poller = poller_of_running_loop()
    waiter = poller.waiter()
    call = _watched(poller, waiter, operation, provider, config, request, kind)
    try:
        await waiter.wait()  # The end is the only event there is.
        return call._finish()
    finally:
        call.close()
        waiter.forget()


def _watched(
    poller: Poller,
    waiter: Waiter,
    operation: int,
    provider: str,
    config: Json,
    request: Json,
    kind: type[Response] = Response,
) -> Call:
    return Call(
        operation, provider, config, request, kind=kind, poller=poller.handle, token=waiter.token
    )


def _read(call: Call, outcome: _Outcome) -> Generator[bytes, None, None]:
    try:
        while True:
            event = call._wait()
            if event == EVENT_LINES:
                yield from call._lines()
            elif event == EVENT_ENDED:
                outcome.response = call._finish()
                return
            elif event == HANDLE:
                return
    finally:
        call.close()


async def _read_async(
    call: Call, waiter: Waiter, outcome: _Outcome
) -> AsyncGenerator[bytes, None]:
    try:
        while True:
            await waiter.wait()
            # A token comes again only after EVENT_AGAIN, so everything is taken first.
            event = call._poll()
            while event != EVENT_AGAIN:
                if event == EVENT_LINES:
                    lines = call._lines()
                    for start in range(0, len(lines), _TURN_LINES):
                        if start:
                            await asyncio.sleep(0)
                        for line in lines[start : start + _TURN_LINES]:
                            yield line
                elif event == EVENT_ENDED:
                    outcome.response = call._finish()
                    return
                elif event == HANDLE:
                    return
                event = call._poll()
                if event == EVENT_LINES:
                    await asyncio.sleep(0)
            waiter.rearm()
    finally:
        call.close()
        waiter.forget()
