"""Puts the shared library into the wheel and tags the wheel with the platform it runs on.

The library is the file that MODELWIRE_LIBRARY names, else the one that `make build` left in this
source tree. MODELWIRE_PLATFORM sets the tag (manylinux_2_28_x86_64 ...) where the library was
built for an older system than the one at hand; PyPI takes no other Linux tags.
"""

import os
import sys
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAMES = {"darwin": "libmodelwire.dylib", "win32": "modelwire.dll"}
NAME = NAMES.get(sys.platform, "libmodelwire.so")


class SharedLibrary(BuildHookInterface):
    def initialize(self, version, build_data):
        if version == "editable":  # Found through MODELWIRE_LIBRARY or the system instead.
            return
        build_data["force_include"][str(self.library())] = f"modelwire/{NAME}"
        for licence in Path(self.root, "..", "..").glob("LICENSE-*"):
            build_data["force_include"][str(licence.resolve())] = f"modelwire/{licence.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"

    def library(self):
        named = os.environ.get("MODELWIRE_LIBRARY")
        library = Path(named) if named else Path(self.root, "..", "..", "target", "release", NAME)
        if not library.is_file():
            raise FileNotFoundError(
                f"{library} does not exist: build it with `make build`, or name {NAME} in MODELWIRE_LIBRARY"
            )
        return library.resolve()


def platform_tag():
    tag = os.environ.get("MODELWIRE_PLATFORM") or sysconfig.get_platform()
    return tag.replace("-", "_").replace(".", "_")
