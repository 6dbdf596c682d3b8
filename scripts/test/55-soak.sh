#!/usr/bin/env bash
# A minute of mixed load: every call accounted for once, no answer crossed, nothing left behind.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

have "${CC:-cc}" || skip "there is no C compiler"
SOAK_SECONDS=${SOAK_SECONDS:-60} scripts/soak.sh
