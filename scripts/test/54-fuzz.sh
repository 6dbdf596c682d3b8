#!/usr/bin/env bash
# A few seconds of libFuzzer over each property; `make fuzz` goes on for longer.
set -euo pipefail

FUZZ_SECONDS=${FUZZ_SECONDS:-4} "$(dirname "${BASH_SOURCE[0]}")/../fuzz.sh"
