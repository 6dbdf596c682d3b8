"""The C ABI as ctypes sees it: where the shared library is, and the functions it has.

Everything else in the package goes through the names of this module. Two handles are kept on the
same library. `blocking` lets go of the interpreter lock during a call; `instant` keeps it, for
functions that return at once, since letting go and taking it again costs more than they do, and
in a busy program means to queue for it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from ctypes import POINTER, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Iterator

ABI_VERSION = 1

OP_COMPLETIONS = 1
OP_COMPLETIONS_STREAM = 2
OP_TEST_CONNECTION = 3
OP_HTTP_PROBE = 4

EVENT_AGAIN = 0
EVENT_OPENED = 1
EVENT_LINES = 2
EVENT_ENDED = 3

_FILES = {"darwin": "libmodelwire.dylib", "win32": "modelwire.dll"}
_FILE = _FILES.get(sys.platform, "libmodelwire.so")

_INPUT = [c_char_p, c_size_t]
_RESULT = c_void_p
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "abi_version": (c_uint32, []),
    "version": (c_char_p, []),
    "status_name": (c_char_p, [c_int32]),
    "init": (_RESULT, _INPUT),
    "shutdown": (c_int32, [c_uint32]),
    "describe": (_RESULT, []),
    "stats": (_RESULT, []),
    "supported_providers": (c_char_p, []),
    "is_valid_provider": (c_int32, [c_char_p]),
    "validate_provider_options": (_RESULT, [c_char_p, *_INPUT]),
    "prepare": (_RESULT, [c_char_p, *_INPUT, *_INPUT, c_uint32]),
    "set_default_http_timeout": (c_int32, [c_uint64]),
    "classify_probe_status": (_RESULT, [c_char_p, c_int32]),
    "start": (c_uint64, [c_uint32, c_char_p, *_INPUT, *_INPUT, c_uint64, c_uint64]),
    "next": (c_int32, [c_uint64, c_int32, POINTER(c_void_p), POINTER(c_size_t)]),
    "cancel": (c_int32, [c_uint64]),
    "finish": (_RESULT, [c_uint64]),
    "release": (c_int32, [c_uint64]),
    "poller_new": (c_uint64, []),
    "poller_wait": (c_int32, [c_uint64, c_int32, POINTER(c_uint64), c_size_t]),
    "poller_fd": (c_int32, [c_uint64]),
    "poller_free": (c_int32, [c_uint64]),
    "result_status": (c_int32, [_RESULT]),
    "result_http_status": (c_int32, [_RESULT]),
    "result_body": (c_void_p, [_RESULT, POINTER(c_size_t)]),
    "result_message": (c_char_p, [_RESULT]),
    "result_info": (c_void_p, [_RESULT, POINTER(c_size_t)]),
    "result_free": (None, [_RESULT]),
}


class Functions:
    """The functions of a loaded library under their names without the prefix."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, f"modelwire_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # For type checkers; every name is set above.
        raise AttributeError(name)


def _candidates() -> Iterator[str]:
    named = os.environ.get("MODELWIRE_LIBRARY")
    if named:
        yield named
        return
    bundled = Path(__file__).with_name(_FILE)
    if bundled.is_file():
        yield str(bundled)
    if sys.platform.startswith("linux"):
        yield f"{_FILE}.{ABI_VERSION}"
    yield ctypes.util.find_library("modelwire") or _FILE


def _load() -> ctypes.CDLL:
    """MODELWIRE_LIBRARY alone when it is set; else the wheel's own file; else the system's."""
    failures = []
    for candidate in _candidates():
        try:
            library = ctypes.CDLL(candidate)
        except OSError as error:
            failures.append(f"{candidate}: {error}")
            continue
        try:
            found = library.modelwire_abi_version()
        except AttributeError:
            failures.append(f"{candidate}: is not modelwire")
            continue
        if found == ABI_VERSION:
            return library
        failures.append(f"{candidate}: has ABI {found}, this package needs {ABI_VERSION}")
    raise ImportError(
        "the modelwire library cannot be loaded; set MODELWIRE_LIBRARY to its file. Tried "
        + "; ".join(failures)
    )


_library = _load()
blocking = Functions(_library)
instant = Functions(ctypes.PyDLL(_library._name, handle=_library._handle))
