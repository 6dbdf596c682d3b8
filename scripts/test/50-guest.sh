#!/usr/bin/env bash
# Hosts that look at what the library does to the process around it: signals, forks, descriptors,
# stacks, output. Each is one small C program in tests/c/guest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"

[[ $(uname -s) == Linux ]] || skip "the programs look into /proc"
require "${CC:-cc}" "a C compiler"
scripts/build.sh
guests=$c_build/guest
mkdir -p "$guests"

compile() { # NAME, then what else the linker gets
    local name=$1
    shift
    "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Werror \
        -Wno-unused-function -I"$root/include" "tests/c/guest/$name.c" -o "$guests/$name" "$@" -pthread
}

for name in sigpipe forks streams signals callback descriptors stack quiet; do
    compile "$name" -L"$release" -lmodelwire -Wl,-rpath,"$release"
done
compile reload -ldl

start_upstream
answer='{"reply":{"headers":{"content-type":"application/json"},"body":"{}"}}'
put_script ok "[[$answer]]"
put_script fails '[[{"reply":{"status":500,"body":"no"}}]]'
put_script lines '[[{"sse":"data: 1\n\ndata: 2\ndata: [DONE]\n\n"}]]'
put_script open '[[{"chunked_open":["data: 1\n\n"]},"hang"]]'
put_script closes '[["before_body",{"pause_ms":20},"close"]]'
put_script resets '[["before_body",{"pause_ms":20},"reset"]]'

# A program that hangs fails; none takes more than some seconds.
run() { # NAME ARGUMENT...
    local name=$1 status=0
    shift
    timeout --kill-after=5 120 "$guests/$name" "$@" || status=$?
    [[ $status == 0 ]] || fail "$name: status $status"
    echo "$name: well"
}

for name in sigpipe forks streams signals callback descriptors stack; do
    run "$name" "$upstream_url"
done
run reload "$upstream_url" "$release/$library"

empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
(cd "$empty" && HOME=$empty TMPDIR=$empty XDG_CONFIG_HOME=$empty XDG_CACHE_HOME=$empty run quiet "$upstream_url")
stop_upstream
