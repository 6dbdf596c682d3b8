#!/usr/bin/env bash
# Every declaration of the header is one that its ABI version is committed to, and none of
# those has changed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

have "${CC:-cc}" || skip "there is no C compiler"
scripts/abi.sh
