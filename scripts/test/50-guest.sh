#!/usr/bin/env bash
# Hosts that look at what the library does to the process around it: signals, forks, descriptors,
# memory, stacks, environment, output. Each is one small program in tests/c/guest.
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
    "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Werror \
        -Wno-unused-function -I"$root/include" "tests/c/guest/$name.c" -o "$guests/$name" "$@" -ldl -pthread
}

linked=(-L"$release" -lmodelwire -Wl,-rpath,"$release")
for name in sigpipe forks streams signals callback descriptors memory stack environment quiet; do
    compile "$name" "${linked[@]}"
done
compile reload
if have "${CXX:-c++}"; then
    "${CXX:-c++}" -std=c++17 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Werror -I"$root/include" \
        tests/c/guest/throws.cpp -o "$guests/throws" "${linked[@]}"
elif [[ ${CI:-} == true ]]; then
    fail "there is no C++ compiler"
fi

start_upstream
answer='{"reply":{"headers":{"content-type":"application/json"},"body":"{}"}}'
put_script ok "[[$answer]]"
put_script fails '[[{"reply":{"status":500,"body":"no"}}]]'
put_script lines '[[{"sse":"data: 1\n\ndata: 2\ndata: [DONE]\n\n"}]]'
put_script open '[[{"chunked_open":["data: 1\n\n"]},"hang"]]'
put_script large '[[{"send":"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"},
    {"repeat":{"text":"0123456789abcdef0123456789abcdef","times":2000000}},"close"]]'
put_script announced '[[{"send":"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\none"},{"pause_ms":20},
    {"send":"two"},{"pause_ms":20},"close"]]'
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

# This one mostly sleeps, so the others run beside it. It does not hold the upstream's pipe, so
# it ends with the suite.
run callback "$upstream_url" 10 8>&- 9<&- &
callback=$!
for name in sigpipe forks streams signals descriptors memory stack environment; do
    run "$name" "$upstream_url"
done
if [[ -x $guests/throws ]]; then
    run throws "$upstream_url"
fi
run reload "$upstream_url" "$release/$library"

empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
(cd "$empty" && HOME=$empty TMPDIR=$empty XDG_CONFIG_HOME=$empty XDG_CACHE_HOME=$empty run quiet "$upstream_url")
wait "$callback"
stop_upstream
