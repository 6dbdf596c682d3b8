#!/usr/bin/env bash
# Unit tests, integration tests and the examples in the documentation.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

cargo test --locked
