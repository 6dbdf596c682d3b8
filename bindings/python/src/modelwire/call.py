"""An operation in flight, and waiting for it on the caller's own thread."""

from __future__ import annotations

import ctypes
import json
import threading
import weakref
from collections.abc import Mapping
from typing import Any, Union

from ._ffi import EVENT_AGAIN, EVENT_ENDED, EVENT_LINES, Functions, blocking, instant
from .errors import BUSY, HANDLE, BusyError, local_error
from .response import Response, take

#: JSON: an object to encode, or text or bytes that are sent as they are.
Json = Union[Mapping[str, Any], str, bytes, bytearray, memoryview]

# How long the main thread waits at a time. In between Python runs signal handlers, so this is
# the longest that Ctrl-C goes unnoticed. Other threads get no signals and wait without end.
SLICE_MS = 100


def encode(value: Json) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def encode_name(provider: str) -> bytes:
    name = provider.encode()
    if b"\0" in name:
        raise ValueError("a provider's name has no NUL in it")
    return name


class Call:
    """One operation. It is released, and cancelled if it still runs, when it is closed or no
    longer referenced.
    """

    def __init__(
        self,
        operation: int,
        provider: str,
        config: Json,
        request: Json = b"",
        *,
        kind: type[Response] = Response,
        poller: int = 0,
        token: int = 0,
    ) -> None:
        name, config, request = encode_name(provider), encode(config), encode(request)
        self._kind = kind
        self._batch = b""
        self._data = ctypes.c_void_p()
        self._length = ctypes.c_size_t()
        self._out = (ctypes.byref(self._data), ctypes.byref(self._length))
        self._reading = threading.Lock()
        self._closed = False
        self._handle: int = blocking.start(
            operation, name, config, len(config), request, len(request), poller, token
        )
        self._release = weakref.finalize(self, instant.release, self._handle)
        self._release.atexit = False  # A daemon thread may still read; the process ends anyway.

    def result(self) -> Response:
        """Waits for the end and returns the response, once; raises what went wrong.

        An exception that a signal handler raises meanwhile, such as KeyboardInterrupt, cancels
        the call and goes on.
        """
        try:
            while self._wait() not in (EVENT_ENDED, HANDLE):
                pass
            return self._finish()
        except BusyError:
            raise
        except BaseException:
            self.close()
            raise

    def cancel(self) -> None:
        """Asks for the end, from any thread. Whoever waits gets CancelledError, or the outcome
        if that was first."""
        instant.cancel(self._handle)

    def close(self) -> None:
        """Cancels and forgets the call, from any thread; harmless when it is over."""
        self._closed = True
        instant.cancel(self._handle)  # Wakes the thread that reads, which then releases the call.
        if self._reading.acquire(blocking=False):
            self._reading.release()
            self._release()

    def __enter__(self) -> Call:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What the streams are made of.

    def _wait(self) -> int:
        """Waits for the next event; HANDLE once the call was closed."""
        if threading.current_thread() is not threading.main_thread():
            return self._next(blocking, -1)
        while True:
            event = self._next(blocking, SLICE_MS)
            if event != EVENT_AGAIN:
                return event

    def _poll(self) -> int:
        """The next event, or EVENT_AGAIN at once."""
        return self._next(instant, 0)

    def _next(self, functions: Functions, timeout_ms: int) -> int:
        # The library's data is gone with the call, so nobody else may release it meanwhile.
        if not self._reading.acquire(blocking=False):
            raise local_error(BUSY)
        try:
            event: int = functions.next(self._handle, timeout_ms, *self._out)
            if event == EVENT_LINES:
                self._batch = ctypes.string_at(self._data.value or 0, self._length.value - 1)
            elif event == EVENT_ENDED and not self._closed:
                self._release.detach()  # _finish does it.
                return event
        finally:
            self._reading.release()
        if self._closed:
            self._release()
            return HANDLE
        if event < 0:
            raise local_error(event)
        return event

    def _lines(self) -> list[bytes]:
        """The lines of the event just taken, whose last newline was left out."""
        return self._batch.split(b"\n")

    def _finish(self) -> Response:
        """The outcome of a call that has ended."""
        self._release.detach()
        return take(instant.finish(self._handle), self._kind)


def run(operation: int, provider: str, config: Json, request: Json, kind: type[Response]) -> Response:
    return Call(operation, provider, config, request, kind=kind).result()
