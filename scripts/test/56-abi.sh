#!/usr/bin/env bash
# Every declaration of the header is one that its ABI version is committed to, and none of
# those has changed; and neither have the types and the symbols that they come down to.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

have "${CC:-cc}" || skip "there is no C compiler"
scripts/abi.sh
[[ $library != *.so ]] || have abidiff || skip "no abidiff (abigail-tools): the declarations alone were compared"
