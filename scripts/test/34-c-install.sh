#!/usr/bin/env bash
# An installed copy is found by pkg-config and runs, linked to either library.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"

have pkg-config || skip "pkg-config is not installed"
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
PREFIX=$prefix LIBDIR=$prefix/lib DESTDIR='' scripts/install.sh
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
read -ra shared <<<"$(pkg-config --cflags --libs modelwire)"
read -ra private <<<"$(pkg-config --static --libs-only-l modelwire | sed 's/-lmodelwire//')"

"${CC:-cc}" -std=c99 bindings/c/examples/hello.c -o "$prefix/shared" "${shared[@]}"
"${CC:-cc}" -std=c99 bindings/c/examples/hello.c -o "$prefix/static" -I"$prefix/include" \
    "$prefix/lib/libmodelwire.a" "${private[@]}"

start_upstream
export OPENAI_API_KEY=k
LD_LIBRARY_PATH=$prefix/lib "$prefix/shared" "$upstream_url/v1" | grep -F 'data: [DONE]'
rm "$prefix"/lib/libmodelwire.so* # the static program needs none of it
"$prefix/static" "$upstream_url/v1" | grep -F 'data: [DONE]'
stop_upstream
