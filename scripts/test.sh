#!/usr/bin/env bash
# Runs every suite, scripts/test/NN-name.sh, in order; with arguments, those whose name begins
# with one of them. A suite is a script that exits 0 (passed), 77 (skipped, because the machine
# lacks something it names) or anything else (failed). With CI set, skipping is failing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

summary=()
failures=0

# A suite that hangs is ended, and fails.
limited() {
    if have timeout; then
        timeout --kill-after=10 "${SUITE_SECONDS:-900}" "$@"
    else
        "$@"
    fi
}

chosen() { # NAME, then what the command line asked for
    local name=$1 wanted
    shift
    [[ $# -gt 0 ]] || return 0
    for wanted in "$@"; do
        [[ $name == "$wanted"* ]] && return 0
    done
    return 1
}

run_suite() {
    local name status=0 outcome start=$SECONDS
    name=$(basename "$1" .sh)
    printf '\n== %s\n' "$name"
    limited bash "$1" || status=$?
    case $status in
        0) outcome=passed ;;
        "$skipped") outcome=skipped ;;
        *) outcome="failed (status $status)" ;;
    esac
    if [[ $status != 0 && ($status != "$skipped" || ${CI:-} == true) ]]; then
        failures=$((failures + 1))
    fi
    printf '== %s: %s after %d s\n' "$name" "$outcome" $((SECONDS - start))
    summary+=("$(printf '%-24s %s' "$name" "$outcome")")
}

scripts/peers.sh
# What the suites talk to is built once, without the optimiser, as the Rust tests are.
cargo build --locked --example upstream --example behaviours
export MODELWIRE_UPSTREAM=$target/debug/examples/upstream
export MODELWIRE_BEHAVIOURS=$target/debug/examples/behaviours

for suite in scripts/test/[0-9]*.sh; do
    if chosen "$(basename "$suite" .sh)" "$@"; then
        run_suite "$suite"
    fi
done

printf '\n'
[[ ${#summary[@]} -gt 0 ]] || fail "no such suite: $*"
printf '%s\n' "${summary[@]}"
[[ $failures == 0 ]] || fail "$failures of ${#summary[@]} suites failed"
