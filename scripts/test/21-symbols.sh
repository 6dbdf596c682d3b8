#!/usr/bin/env bash
# The library exports what the header declares, and nothing else.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

scripts/symbols.sh
