#!/usr/bin/env bash
# Mixed load from eight threads against the bundled upstream for SOAK_SECONDS (600).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/scripts/upstream.sh"

scripts/c.sh soak
start_upstream
put_script refuses '[[{"reply":{"status":429,"headers":{"retry-after":"7"},"body":"{}"}}]]'
put_script breaks '[[{"chunked_open":["data: one\n\n"]},"close"]]'
"$c_build/soak" "$upstream_url" "${SOAK_SECONDS:-600}"
stop_upstream
