#!/usr/bin/env bash
# Copies the header that the build script generated to include/, or with --check only compares.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Cargo tells the folder in a JSON line of its own for each build script; ours is the only one of
# a package that lies on this disk ("path+file").
messages=$(cargo check --lib --message-format=json)
out_dir=$(sed -n '/"reason":"build-script-executed"/ {
    /"package_id":"path+file:/ s/.*"out_dir":"\([^"]*\)".*/\1/p
}' <<<"$messages")
generated=$out_dir/modelwire.h
[[ -n $out_dir && -f $generated ]] || fail "the build script wrote no modelwire.h"

if [[ ${1:-} == --check ]]; then
    diff -u "$header" "$generated" || fail "include/modelwire.h has drifted from the sources: run make header"
    echo "include/modelwire.h is what the sources generate"
else
    mkdir -p "$(dirname "$header")"
    cp "$generated" "$header"
    echo "wrote include/modelwire.h"
fi
