#!/usr/bin/env bash
# The unit tests and the C conformance program under AddressSanitizer and LeakSanitizer: no
# invalid access, and nothing left after shutdown.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"
source "$root/scripts/sanitized.sh"

[[ -z $unsanitized ]] || skip "$unsanitized"
have "${CC:-cc}" || skip "there is no C compiler"
sanitized test --lib -- --quiet

# Built together with an example, the library shares with the tests what those compiled.
sanitized build --lib --example upstream
objects=()
for source in tests/c/conformance.c tests/c/conformance/*.c; do
    object=$sanitized/$(tr / - <<<"${source%.c}").o
    "${CC:-cc}" -std=c99 -O1 -g -fsanitize=address -fno-omit-frame-pointer -c -I"$root/include" \
        "$source" -o "$object"
    objects+=("$object")
done
"${CC:-cc}" "${objects[@]}" "$sanitized/libmodelwire.a" \
    -Wl,--whole-archive "$asan_runtime" -Wl,--no-whole-archive -lm -ldl -lrt -pthread \
    -o "$sanitized/conformance"
start_upstream
"$sanitized/conformance" "$upstream_url"
stop_upstream
