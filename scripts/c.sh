#!/usr/bin/env bash
# Compiles the C examples and the C tests into target/c, against the release library.
# With names (chat, conformance ...) only those.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

require "${CC:-cc}" "a C compiler"
scripts/build.sh
mkdir -p "$c_build"

compile() { # NAME SOURCE...
    local name=$1
    shift
    "${CC:-cc}" -std=c99 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
        -I"$root/include" "$@" -o "$c_build/$name" \
        -L"$release" -lmodelwire -Wl,-rpath,"$release" -pthread
}

names=("$@")
[[ $# -gt 0 ]] || names=(hello chat many conformance)
for name in "${names[@]}"; do
    case $name in
        conformance) compile "$name" tests/c/conformance.c tests/c/conformance/*.c ;;
        soak) compile "$name" tests/c/soak.c ;;
        *) compile "$name" "bindings/c/examples/$name.c" ;;
    esac
done
