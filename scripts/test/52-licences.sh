#!/usr/bin/env bash
# What the library is built of: licences, one version of each crate, crates.io and nothing else.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

if have cargo-deny; then
    cargo deny --locked --offline check bans licenses sources
else
    have python3 || skip "neither cargo-deny nor python3 is installed"
    python3 -c 'import tomllib' 2>/dev/null || skip "this python3 has no tomllib"
    python3 scripts/licences.py
fi
