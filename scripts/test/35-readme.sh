#!/usr/bin/env bash
# The C program that the READMEs print is the example, to the byte, and it compiles as printed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

scripts/build.sh
mkdir -p "$c_build"

# The first C block of a Markdown file.
printed() {
    awk '/^```c$/ { inside = 1; next } /^```/ && inside { exit } inside' "$1"
}

for readme in README.md bindings/c/README.md; do
    printed "$readme" >"$c_build/printed.c"
    diff -u bindings/c/examples/hello.c "$c_build/printed.c" ||
        fail "$readme does not print bindings/c/examples/hello.c"
    "${CC:-cc}" -std=c99 -Wall -Wextra -Wpedantic -Werror -Iinclude "$c_build/printed.c" \
        -o "$c_build/printed" -L"$release" -lmodelwire
    echo "$readme: the program is the example, and compiles"
done
