#!/usr/bin/env bash
# The committed header is what the sources generate.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

scripts/header.sh --check
