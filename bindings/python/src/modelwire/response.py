"""What an operation came to, copied out of the library once."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Optional

from ._ffi import instant
from .errors import error_class


class Response:
    """The answer to an operation that worked."""

    __slots__ = ("_info", "_info_json", "body", "http_status")

    #: The HTTP status; 0 where nothing was sent.
    http_status: int
    #: The provider's answer, byte for byte. Empty for a stream.
    body: bytes

    def __init__(self, http_status: int, body: bytes, info_json: bytes) -> None:
        self.http_status = http_status
        self.body = body
        self._info_json = info_json
        self._info: Optional[dict[str, Any]] = None

    @property
    def info(self) -> dict[str, Any]:
        """Model, request id, headers, timings, how a stream ended ...: everything known."""
        if self._info is None:
            self._info = json.loads(self._info_json)
        return self._info

    def text(self) -> str:
        """The body as UTF-8; what is not becomes U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.http_status}, {len(self.body)} bytes>"


class Probe(Response):
    """The verdict of a connection test."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """Whether the provider can be reached and takes the credentials."""
        return bool(self.json()["ok"])

    @property
    def stage(self) -> str:
        """Where it was decided: connectivity, authentication, provider or unsupported."""
        return str(self.json()["stage"])

    @property
    def message(self) -> str:
        """What is wrong, in words; empty when nothing is."""
        return str(self.json()["message"])


def take(result: int, kind: type[Response] = Response) -> Response:
    """Copies a result of the library and frees it; raises if it is a failure."""
    try:
        status = instant.result_status(result)
        http_status = instant.result_http_status(result)
        body = _bytes(instant.result_body, result)
        info = _bytes(instant.result_info, result)
        if status == 0:
            return kind(http_status, body, info)
        message = instant.result_message(result).decode("utf-8", "replace")
        raise error_class(status)(message, status, http_status, body, json.loads(info))
    finally:
        instant.result_free(result)


def _bytes(function: Any, result: int) -> bytes:
    length = ctypes.c_size_t()
    data = function(result, length)
    return ctypes.string_at(data, length.value)
