"""One exception for each status of the library, under one base."""

from __future__ import annotations

import builtins
from typing import Any, Optional

from ._ffi import instant


class ModelwireError(Exception):
    """Something did not work. Decide by the class and the attributes, never by the text."""

    #: The library's status, a negative number that never changes its meaning.
    status: int
    #: The HTTP status of the provider's response; 0 when none came.
    http_status: int
    #: The provider's own error, byte for byte, where it sent one.
    body: bytes
    #: Everything known about the operation; empty when the failure was local.
    info: dict[str, Any]

    def __init__(
        self,
        message: str,
        status: int,
        http_status: int = 0,
        body: bytes = b"",
        info: Optional[dict[str, Any]] = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.http_status = http_status
        self.body = body
        self.info = info or {}

    def __reduce__(self) -> tuple[Any, ...]:
        # With every argument, so that it crosses process borders whole.
        return type(self), (str(self), self.status, self.http_status, self.body, self.info)

    @property
    def name(self) -> str:
        """The status in words: "backend", "timeout" ..."""
        return status_name(self.status)

    @property
    def retryable(self) -> bool:
        """Whether the same request may work later."""
        return bool(self.info.get("retryable"))

    @property
    def retry_after(self) -> Optional[float]:
        """Seconds to wait first, as the provider asked; None where it did not."""
        milliseconds = self.info.get("retry_after_ms")
        return None if milliseconds is None else milliseconds / 1000


class ArgumentError(ModelwireError, ValueError):
    """The library was called in a way it does not allow."""


class HandleError(ModelwireError):
    """The call is over or was closed."""


class ConfigError(ModelwireError, ValueError):
    """Config or options: bad JSON, a wrong type, a missing field. The text names the field."""


class UnsupportedProviderError(ModelwireError, ValueError):
    """No provider has this name."""


class RequestError(ModelwireError, ValueError):
    """The request is unusable: no model where one is needed, or over a limit."""


class ModelNotAllowedError(ModelwireError, ValueError):
    """The model is not in allowed_models."""


class CredentialsError(ModelwireError):
    """Credentials are missing, or could not be exchanged for a token."""


class ConnectError(ModelwireError, ConnectionError):
    """DNS, TCP or a proxy."""


class TLSError(ModelwireError, ConnectionError):
    """The TLS handshake failed, or the certificate was refused."""


class TimeoutError(ModelwireError, builtins.TimeoutError):
    """A deadline passed; info["timeout"] says which: connect, response_header, idle, total."""


class CancelledError(ModelwireError):
    """cancel() ended the call. Unrelated to asyncio.CancelledError."""


class BackendError(ModelwireError):
    """The provider answered with an error: http_status, and body as it was sent."""


class TruncatedError(ModelwireError, ConnectionError):
    """The connection ended before the answer did."""


class ProtocolError(ModelwireError):
    """Not HTTP, a bad checksum, a line or a body over its limit."""


class StreamError(ModelwireError):
    """The provider reported an error inside a stream; info["error_code"] is its code."""


class BusyError(ModelwireError):
    """Another thread reads the same call."""


class ShutdownError(ModelwireError):
    """The library is shutting down, or was shut down under the call."""


class ForkedError(ModelwireError):
    """The call was made before fork() and cannot be used in the child; make a new one."""


class InternalError(ModelwireError):
    """A bug inside the library, caught at its boundary."""


HANDLE = -2
BUSY = -90

_CLASSES: dict[int, type[ModelwireError]] = {
    -1: ArgumentError,
    HANDLE: HandleError,
    -3: ConfigError,
    -4: UnsupportedProviderError,
    -5: RequestError,
    -6: ModelNotAllowedError,
    -7: CredentialsError,
    -20: ConnectError,
    -21: TLSError,
    -22: TimeoutError,
    -23: CancelledError,
    -40: BackendError,
    -41: TruncatedError,
    -42: ProtocolError,
    -43: StreamError,
    BUSY: BusyError,
    -91: ShutdownError,
    -92: ForkedError,
    -93: InternalError,
}


def status_name(status: int) -> str:
    name: bytes = instant.status_name(status)
    return name.decode()


def error_class(status: int) -> type[ModelwireError]:
    return _CLASSES.get(status, ModelwireError)


def local_error(status: int) -> ModelwireError:
    """For a status that comes without a result."""
    kind = error_class(status)
    return kind((kind.__doc__ or status_name(status)).partition("\n")[0], status)
