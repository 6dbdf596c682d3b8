#!/usr/bin/env bash
# The handles, the calls, the pollers and the drives of connections under a model checker: every
# order in which threads may meet, up to a bound.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# The files of src/call bring their own tests along, which need no model.
CARGO_TARGET_DIR=$target/loom cargo test --locked --manifest-path tests/loom/Cargo.toml -- \
    --skip registry::tests
