# Sourced by every script: where things are, and the few words they share.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
release=$target/release
c_build=$target/c
peers=$root/.peers
header=$root/include/modelwire.h
cd "$root" || exit 1

case $(uname -s) in
    Darwin) library=libmodelwire.dylib ;;
    *) library=libmodelwire.so ;;
esac

# The status by which a suite says that it was skipped.
skipped=77

have() {
    command -v "$1" >/dev/null 2>&1
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Ends a suite that this machine lacks something for.
skip() {
    printf 'skipped: %s\n' "$*"
    exit "$skipped"
}

require() {
    have "$1" || fail "$1 is needed: $2"
}
