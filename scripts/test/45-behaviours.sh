#!/usr/bin/env bash
# The behaviour list from C, through the shared library. From Rust it is one of cargo's tests, and
# the suite of each binding runs it through that binding.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"
source "$root/scripts/behaviours.sh"

scripts/build.sh
prepare_behaviours
"${CC:-cc}" "${c_flags[@]}" tests/c/behaviours.c "$c_build"/behaviours/*.o -o "$c_build/behaviours-c" \
    -L"$release" -lmodelwire -Wl,-rpath,"$release"

start_upstream
"$c_build/behaviours-c" "$upstream_url" "$behaviour_list"
stop_upstream
