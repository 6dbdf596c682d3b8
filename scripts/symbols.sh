#!/usr/bin/env bash
# Compares what the shared library exports with the functions that the header declares.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/build.sh

# The preprocessor drops the comments, which mention functions too.
declared=$("${CC:-cc}" -E -P "$header" | grep -oE '\bmodelwire_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)

case $library in
    *.dylib) exported=$(nm -gU "$release/$library" | awk '{ sub(/^_/, "", $NF); print $NF }' | sort -u) ;;
    *) exported=$(nm -D --defined-only "$release/$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u) ;;
esac

diff <(printf '%s\n' "$declared") <(printf '%s\n' "$exported") ||
    fail "the header's functions (<) and the library's symbols (>) differ"
echo "$(wc -l <<<"$declared" | tr -d ' ') functions, declared and exported alike"
