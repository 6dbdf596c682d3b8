#!/usr/bin/env bash
# Builds the release library. Programs linked against it look for its SONAME, which carries the
# ABI's number, so that name is put beside the file that cargo writes.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

require cargo "see https://rustup.rs"
cargo build --release --lib

if have readelf && [[ -f $release/$library ]]; then
    soname=$(readelf -d "$release/$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
    if [[ -n $soname && $soname != "$library" ]]; then
        ln -sf "$library" "$release/$soname"
    fi
fi
