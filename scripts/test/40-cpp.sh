#!/usr/bin/env bash
# The C++ binding as C++17 and as C++20, with exceptions and without: its own tests and the
# behaviour list. Then its example, which is what its README prints.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"
source "$root/scripts/behaviours.sh"

cxx=${CXX:-c++}
have "$cxx" || skip "no C++ compiler"
scripts/build.sh
prepare_behaviours
cpp=$root/bindings/cpp
cpp_build=$target/cpp
mkdir -p "$cpp_build"

compile() { # PROGRAM SOURCE FLAG...
    local program=$1 source=$2
    shift 2
    "$cxx" "$@" -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
        -Iinclude -I"$cpp/include" -Itests/c "$source" "$c_build"/behaviours/*.o -o "$program" \
        -L"$release" -lmodelwire -Wl,-rpath,"$release" -pthread
}

start_upstream
for mode in c++17 c++20 c++17-fno-exceptions c++20-fno-exceptions; do
    flags=("-std=${mode%%-*}")
    [[ $mode != *-fno-exceptions ]] || flags+=(-fno-exceptions)
    for program in binding behaviours; do
        compile "$cpp_build/$program-$mode" "$cpp/tests/$program.cpp" "${flags[@]}"
    done
    echo "$mode:"
    "$cpp_build/binding-$mode" "$upstream_url"
    "$cpp_build/behaviours-$mode" "$upstream_url" "$behaviour_list"
done

# The first C++ block of the README.
awk '/^```cpp$/ { inside = 1; next } /^```/ && inside { exit } inside' "$cpp/README.md" >"$cpp_build/printed.cpp"
diff -u "$cpp/examples/chat.cpp" "$cpp_build/printed.cpp" || fail "bindings/cpp/README.md does not print examples/chat.cpp"
compile "$cpp_build/chat" "$cpp_build/printed.cpp" -std=c++17
OPENAI_API_KEY=k "$cpp_build/chat" "$upstream_url/v1" >"$cpp_build/chat.out" 2>&1
grep -F 'data: [DONE]' "$cpp_build/chat.out"
grep -F 'ended by: done' "$cpp_build/chat.out"

put_script refuses '[[{"reply":{"status":429,"body":"slow down"}}]]'
status=0
OPENAI_API_KEY=k "$cpp_build/chat" "$upstream_url/s/refuses" >"$cpp_build/chat.out" 2>&1 || status=$?
[[ $status == 1 ]] || fail "chat exited $status when the provider refused"
grep -F 'slow down' "$cpp_build/chat.out"
stop_upstream
