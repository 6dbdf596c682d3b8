"""One poller for each event loop: its descriptor is watched by the loop, and wakes whoever waits.

The loop's registration of the descriptor is all that keeps a poller alive, so it goes when the
loop is closed. A child of fork() starts with none, since neither the loop nor the calls of its
parent work there.
"""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import os
import weakref
from typing import Optional

from ._ffi import instant
from .errors import local_error

_CAPACITY = 256


class Poller:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.handle: int = instant.poller_new()
        weakref.finalize(self, instant.poller_free, self.handle)
        self._waiters: dict[int, Waiter] = {}
        self._numbers = itertools.count()
        self._tokens = (ctypes.c_uint64 * _CAPACITY)()
        descriptor = instant.poller_fd(self.handle)
        if descriptor < 0:
            raise local_error(descriptor)
        loop.add_reader(descriptor, self._take)

    def waiter(self) -> Waiter:
        token = next(self._numbers)
        waiter = self._waiters[token] = Waiter(self._waiters, token)
        return waiter

    def _take(self) -> None:
        """Runs in the loop while tokens wait. What one round leaves, the next one takes."""
        count = instant.poller_wait(self.handle, 0, self._tokens, _CAPACITY)
        for token in self._tokens[: max(count, 0)]:
            waiter = self._waiters.get(token)
            if waiter is not None:
                waiter.wake()


class Waiter:
    """Waits for one call's token. Remembers one that came while nobody waited."""

    __slots__ = ("_future", "_ready", "_waiters", "token")

    def __init__(self, waiters: dict[int, Waiter], token: int) -> None:
        self.token = token
        self._waiters = waiters
        self._ready = False
        self._future: Optional[asyncio.Future[None]] = None

    async def wait(self) -> None:
        if not self._ready:
            self._future = asyncio.get_running_loop().create_future()
            try:
                await self._future
            finally:
                self._future = None

    def wake(self) -> None:
        self._ready = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def rearm(self) -> None:
        self._ready = False

    def forget(self) -> None:
        self._waiters.pop(self.token, None)


_pollers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Poller]]
_pollers = weakref.WeakKeyDictionary()


def poller_of_running_loop() -> Poller:
    loop = asyncio.get_running_loop()
    known = _pollers.get(loop)
    poller = None if known is None else known()
    if poller is None:
        poller = Poller(loop)
        _pollers[loop] = weakref.ref(poller)
    return poller


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pollers.clear)
