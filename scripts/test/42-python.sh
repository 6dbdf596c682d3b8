#!/usr/bin/env bash
# The Python package as its users get it: a wheel, installed into an empty environment and tested
# there. MODELWIRE_LIBRARY and MODELWIRE_UPSTREAM stand in for what is otherwise built first.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

peer=$peers/venv/bin/python
build=$target/python
sources=$root/bindings/python
[[ -x $peer ]] || skip "no Python environment; scripts/peers.sh makes one"
"$peer" -c 'import hatchling, mypy' 2>/dev/null || skip "the Python environment lacks hatchling or mypy"

if [[ -z ${MODELWIRE_LIBRARY:-} ]]; then
    scripts/build.sh
    MODELWIRE_LIBRARY=$release/$library
fi
if [[ -z ${MODELWIRE_UPSTREAM:-} ]]; then
    cargo build --release --example upstream
    MODELWIRE_UPSTREAM=$release/examples/upstream
fi
export MODELWIRE_LIBRARY MODELWIRE_UPSTREAM PYTHONDONTWRITEBYTECODE=1

rm -rf "$build"
mkdir -p "$build"
"$peer" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$build" "$sources"
wheels=("$build"/modelwire-*-py3-none-*.whl)
[[ ${#wheels[@]} == 1 && ${wheels[0]} != *-none-any.whl ]] || fail "no wheel of one platform: ${wheels[*]}"
echo "the wheel is ${wheels[0]##*/}"

"$peer" -m venv "$build/venv"
python=$build/venv/bin/python
"$python" -m pip install --quiet --no-index "${wheels[0]}"
# From here on the library is the one in the wheel.
unset MODELWIRE_LIBRARY
cd "$build"
"$python" -c 'import modelwire; from importlib.metadata import version
assert modelwire.version() == version("modelwire"), "the package and its library differ in version"'

"$peer" -m mypy --python-executable "$python" --cache-dir "$build/mypy" --config-file "$sources/pyproject.toml" \
    --package modelwire
# Python 3.12 and later warn of every fork() of a process with threads.
strict=(-X dev -W error -W "ignore:This process:DeprecationWarning")
"$python" "${strict[@]}" -m unittest discover --start-directory "$sources/tests"
"$python" "${strict[@]}" "$sources/tests/behaviours.py"
