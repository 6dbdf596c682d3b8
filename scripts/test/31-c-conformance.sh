#!/usr/bin/env bash
# A C program walks the whole ABI against the bundled upstream.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"

scripts/c.sh conformance
start_upstream
"$c_build/conformance" "$upstream_url"
stop_upstream
