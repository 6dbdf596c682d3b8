#!/usr/bin/env bash
# Compares the header's declarations with those that its ABI version is committed to, one a
# line in abi/VERSION.txt. With --update, lists what is new; what the list holds already can
# neither change nor leave within a version. With abidiff at hand (libabigail), both are also
# compiled and compared as binaries: what the types come down to, and what the library exports.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

require "${CC:-cc}" "a C compiler"

# Functions and types without the names of their parameters, which no binary knows, and every
# number. The macro that a header guards itself with is no part of the ABI.
declarations() {
    "${CC:-cc}" -E -P "$header" | tr '\n' ' ' | tr ';' '\n' | grep -o '\(typedef .*\|[a-z].*\)modelwire_.*' |
        sed -E -e 's/[[:space:]]+/ /g' -e 's/^ | $//g' \
            -e 's/\(\*(modelwire_[a-z_]+)\)/(*\1@)/' -e 's/([ *])[a-z][a-z0-9_]*([,)])/\1\2/g' \
            -e 's/@//' -e 's/ ([,)])/\1/g'
    "${CC:-cc}" -dM -E "$header" | sed -n -E 's/^#define (MODELWIRE_[A-Z_]+) (.+)$/\1 \2/p'
}

version=$(sed -n -E 's/^#define MODELWIRE_ABI_VERSION ([0-9]+)$/\1/p' "$header")
[[ -n $version ]] || fail "the header has no MODELWIRE_ABI_VERSION"
list=abi/$version.txt
now=$(declarations | LC_ALL=C sort)
before=$([[ ! -e $list ]] || LC_ALL=C sort "$list")

gone=$(LC_ALL=C comm -23 <(printf '%s\n' "$before") <(printf '%s\n' "$now"))
[[ -z $gone ]] || fail "what ABI $version promises has changed or is gone:
$gone"
if [[ ${1:-} == --update ]]; then
    printf '%s\n' "$now" >"$list"
    exit
fi
new=$(LC_ALL=C comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$now"))
[[ -z $new ]] || fail "not in $list yet; scripts/abi.sh --update lists it:
$new"
# Reads declarations and writes a definition for each function among them.
definitions() {
    awk -F '[()]' '!/^(typedef|MODELWIRE_)/ {
        count = split($2, types, ", ")
        printf "%s(", $1
        for (i = 1; i <= count; i++)
            printf("%s%s%s", i == 1 ? "" : ", ", types[i], types[i] == "void" ? "" : " p" i)
        print ") { __builtin_trap(); }"
    }'
}

# A shared library with nothing in it but the types of what is read on standard input.
types() { # FILE
    "${CC:-cc}" -std=c99 -g -O0 -shared -fPIC -Wall -Wextra -Werror -Wno-unused-parameter -I"$root/include" \
        -Wl,-soname,"libmodelwire.so.$version" -xc - -o "$1"
}

# A program built against the list finds in the header's types, and among the symbols of the
# library, all that it asks for.
compare_binaries() {
    local built=$target/abi
    mkdir -p "$built"
    {
        printf '#include <stddef.h>\n#include <stdint.h>\n'
        sed -n '/^typedef/s/$/;/p' "$list"
        definitions <"$list"
    } | types "$built/promised.so"
    # The compiler refuses a definition that is not what the header declares.
    {
        printf '#include <modelwire.h>\n'
        definitions <<<"$now"
    } | types "$built/header.so"
    abidiff --no-added-syms "$built/promised.so" "$built/header.so" ||
        fail "the header's types are not those of ABI $version"
    scripts/build.sh
    abidiff --no-added-syms "$built/promised.so" "$release/$library" ||
        fail "$library is no library of ABI $version"
    echo "ABI $version: compiled, the header and $library stand as promised too"
}

echo "ABI $version: $(wc -l <"$list" | tr -d ' ') declarations stand as promised"
if have abidiff && [[ $library == *.so ]]; then
    compare_binaries
fi
