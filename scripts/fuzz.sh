#!/usr/bin/env bash
# Runs libFuzzer over the properties in fuzz/properties: FUZZ_SECONDS each (60), all of them or
# those named. What it learns stays in target/fuzz; an input that breaks a property lands in
# fuzz/corpus, where the tests find it from then on.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/scripts/sanitized.sh"

[[ -z $unsanitized ]] || skip "$unsanitized"
have "${CXX:-c++}" || skip "libFuzzer needs a C++ compiler"
sanitized build --manifest-path fuzz/Cargo.toml

properties=("$@")
[[ $# -gt 0 ]] || mapfile -t properties < <(ls fuzz/corpus)
for property in "${properties[@]}"; do
    echo "-- $property"
    learned=$target/fuzz/$property
    mkdir -p "$learned"
    MODELWIRE_PROPERTY=$property "$sanitized/fuzz" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=30 \
        -max_len=4096 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="fuzz/corpus/$property/" "$learned" "fuzz/corpus/$property" 2>"$learned.log" ||
        { tail -n 60 "$learned.log" >&2; fail "$property: an input breaks it; see $learned.log"; }
    grep -E 'number_of_executed_units|peak_rss_mb' "$learned.log"
done
