#!/usr/bin/env bash
# The same program under valgrind: no invalid access, and nothing left after shutdown.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"

have valgrind || skip "valgrind is not installed"
scripts/c.sh conformance
start_upstream
valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
    --errors-for-leak-kinds=definite,indirect,possible --child-silent-after-fork=yes --fair-sched=yes \
    "$c_build/conformance" "$upstream_url"
stop_upstream
