"""Every large-language-model provider through one small native library.

    response = modelwire.completions(provider, config, request)
    for line in modelwire.stream(provider, config, request): ...
    async for line in modelwire.astream(provider, config, request): ...

`config` holds credentials and options, `request` is the body that the provider documents; both
are JSON: an object to encode, or text or bytes that are used as they are. What comes back is
bytes, as the provider sent them.
"""

from __future__ import annotations

from typing import cast

from ._ffi import OP_COMPLETIONS, OP_HTTP_PROBE, OP_TEST_CONNECTION
from .call import Call, Json, run
from .errors import (
    ArgumentError,
    BackendError,
    BusyError,
    CancelledError,
    ConfigError,
    ConnectError,
    CredentialsError,
    ForkedError,
    HandleError,
    InternalError,
    ModelNotAllowedError,
    ModelwireError,
    ProtocolError,
    RequestError,
    ShutdownError,
    StreamError,
    TimeoutError,
    TLSError,
    TruncatedError,
    UnsupportedProviderError,
)
from .library import (
    classify_probe_status,
    describe,
    init,
    is_valid_provider,
    prepare,
    set_default_http_timeout,
    shutdown,
    stats,
    supported_providers,
    validate_provider_options,
    version,
)
from .response import Probe, Response
from .stream import AsyncStream, Stream, open_async_stream, open_stream, run_async

__all__ = [
    "ArgumentError",
    "AsyncStream",
    "BackendError",
    "BusyError",
    "Call",
    "CancelledError",
    "ConfigError",
    "ConnectError",
    "CredentialsError",
    "ForkedError",
    "HandleError",
    "InternalError",
    "Json",
    "ModelNotAllowedError",
    "ModelwireError",
    "Probe",
    "ProtocolError",
    "RequestError",
    "Response",
    "ShutdownError",
    "Stream",
    "StreamError",
    "TLSError",
    "TimeoutError",
    "TruncatedError",
    "UnsupportedProviderError",
    "acompletions",
    "astream",
    "atest_connection",
    "classify_probe_status",
    "completions",
    "describe",
    "init",
    "is_valid_provider",
    "prepare",
    "run_http_probe",
    "set_default_http_timeout",
    "shutdown",
    "start_completions",
    "start_test_connection",
    "stats",
    "stream",
    "supported_providers",
    "test_connection",
    "validate_provider_options",
    "version",
]


def completions(provider: str, config: Json, request: Json) -> Response:
    """Sends the request and waits for the whole answer."""
    return run(OP_COMPLETIONS, provider, config, request, Response)


async def acompletions(provider: str, config: Json, request: Json) -> Response:
    """The same in an event loop. Cancelling the task cancels the operation."""
    return await run_async(OP_COMPLETIONS, provider, config, request, Response)


def start_completions(provider: str, config: Json, request: Json) -> Call:
    """The same in two steps: result() waits, and any thread may cancel() meanwhile."""
    return Call(OP_COMPLETIONS, provider, config, request)


def stream(provider: str, config: Json, request: Json) -> Stream:
    """Sends the request and returns the lines of its answer, to be read as they arrive."""
    return open_stream(provider, config, request)


def astream(provider: str, config: Json, request: Json) -> AsyncStream:
    """The same for `async for`, in a running event loop. It takes no thread."""
    return open_async_stream(provider, config, request)


def test_connection(provider: str, config: Json) -> Probe:
    """Tests whether the provider can be reached and takes the credentials.

    Raises only where there is no verdict: UnsupportedProviderError, ConfigError, ShutdownError.
    """
    return cast(Probe, run(OP_TEST_CONNECTION, provider, config, b"", Probe))


test_connection.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test


async def atest_connection(provider: str, config: Json) -> Probe:
    """The same in an event loop."""
    return cast(Probe, await run_async(OP_TEST_CONNECTION, provider, config, b"", Probe))


def start_test_connection(provider: str, config: Json) -> Call:
    """The same in two steps, as start_completions."""
    return Call(OP_TEST_CONNECTION, provider, config, kind=Probe)


def run_http_probe(provider: str, request: Json) -> Probe:
    """The GET behind test_connection with a URL of one's own: {"url", "headers"?, "bearer"?}."""
    return cast(Probe, run(OP_HTTP_PROBE, provider, b"", request, Probe))
