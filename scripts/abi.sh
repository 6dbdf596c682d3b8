#!/usr/bin/env bash
# Compares the header's declarations with those that its ABI version is committed to, one a
# line in abi/VERSION.txt. With --update, lists what is new; what the list holds already can
# neither change nor leave within a version.
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
echo "ABI $version: $(wc -l <"$list" | tr -d ' ') declarations stand as promised"
