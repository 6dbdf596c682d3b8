"""The library as a whole: what it supports, how it is set up, how it is stopped."""

from __future__ import annotations

import json
from typing import Any, Optional

from ._ffi import OP_COMPLETIONS, OP_COMPLETIONS_STREAM, blocking, instant
from .call import Json, encode, encode_name
from .errors import local_error
from .response import Probe, take


def version() -> str:
    """The version of the native library."""
    return str(instant.version().decode())


def supported_providers() -> list[str]:
    return list(json.loads(instant.supported_providers()))


def is_valid_provider(provider: str) -> bool:
    return bool(instant.is_valid_provider(encode_name(provider)))


def init(options: Json = b"{}") -> None:
    """Starts the library with options, before its first use: worker_threads, proxy, ca_pem,
    default_http_timeout_ms ... Optional. ArgumentError when it runs already."""
    encoded = encode(options)
    take(blocking.init(encoded, len(encoded)))


def shutdown(grace_ms: int = 0) -> None:
    """Gives what runs grace_ms milliseconds, ends the rest, joins every thread of the library and
    closes its connections. A later operation starts afresh."""
    status = blocking.shutdown(grace_ms)
    if status != 0:
        raise local_error(status)


def describe() -> dict[str, Any]:
    """Version, providers, options, defaults, limits."""
    return dict(take(instant.describe()).json())


def stats() -> dict[str, Any]:
    """What is alive: calls, results, pollers, threads, connections."""
    return dict(take(instant.stats()).json())


def set_default_http_timeout(timeout_ms: int) -> None:
    """The total deadline of whole answers that start from now on, in milliseconds."""
    instant.set_default_http_timeout(timeout_ms)


def validate_provider_options(provider: str, options: Json) -> dict[str, Any]:
    """Checks the "options" of a config and returns them decoded and normalised."""
    encoded = encode(options)
    result = instant.validate_provider_options(encode_name(provider), encoded, len(encoded))
    return dict(take(result).json())


def prepare(provider: str, config: Json, request: Json, *, stream: bool = False) -> dict[str, Any]:
    """What would be sent: method, url, headers, model, body, with secrets redacted. Nothing is."""
    config, request = encode(config), encode(request)
    operation = OP_COMPLETIONS_STREAM if stream else OP_COMPLETIONS
    result = blocking.prepare(
        encode_name(provider), config, len(config), request, len(request), operation
    )
    return dict(take(result).json())


def classify_probe_status(http_status: int, provider: Optional[str] = None) -> Probe:
    """What an HTTP status would mean as the answer to a connection test."""
    name = None if provider is None else encode_name(provider)
    verdict = take(instant.classify_probe_status(name, http_status), Probe)
    assert isinstance(verdict, Probe)
    return verdict
