#!/usr/bin/env bash
# The Node.js package as its users get it: packed, and installed into an empty folder. Its tests run
# on a copy of the sources beside it, its types go through the TypeScript compiler.
# MODELWIRE_LIBRARY and MODELWIRE_UPSTREAM stand in for what is otherwise built first.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

build=$target/node
modules=$peers/node_modules
have node || skip "no Node.js"
have npm || skip "no npm"
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || skip "Node.js is older than 20"
[[ -d $modules/koffi && -d $modules/typescript ]] || skip "no koffi or typescript; scripts/peers.sh installs them"

if [[ -z ${MODELWIRE_LIBRARY:-} ]]; then
    scripts/build.sh
    MODELWIRE_LIBRARY=$release/$library
fi
if [[ -z ${MODELWIRE_UPSTREAM:-} ]]; then
    cargo build --release --example upstream
    MODELWIRE_UPSTREAM=$release/examples/upstream
fi
export MODELWIRE_LIBRARY MODELWIRE_UPSTREAM

# koffi is found in the folder above the sources, as it is above an installed package.
rm -rf "$build"
mkdir -p "$build/app"
ln -s "$modules" "$build/node_modules"
cp -R "$root/bindings/node" "$build/modelwire"
(cd "$build" && npm pack --silent ./modelwire)
packed=("$build"/modelwire-*.tgz)
echo "packed ${packed[0]##*/}"

# What is installed finds the library in itself.
tar -xzf "${packed[0]}" -C "$build/app" # as package/
mkdir "$build/app/node_modules"
mv "$build/app/package" "$build/app/node_modules/modelwire"
cp "$root/bindings/node/examples/chat.mjs" "$build/app"
(
    cd "$build/app"
    unset MODELWIRE_LIBRARY
    node -e 'const { version } = require("modelwire"); console.log(`installed, with library ${version()}`)'
    ! OPENAI_API_KEY=k node chat.mjs --base-url http://127.0.0.1:1 openai_compatible m p 2>errors || fail "chat reached nobody"
    grep -q '^chat: connect: ' errors || fail "chat said: $(cat errors)"
)

cd "$build/modelwire"
node "$modules/typescript/bin/tsc" --project tests
node --test tests/*.test.js
node tests/behaviours.js "$root/tests/behaviours.json"
