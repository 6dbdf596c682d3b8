#!/usr/bin/env bash
# Builds the benchmark's clients and its upstream and runs it; --quick for a short look.
# Needs Go and libcurl's headers for the peers, and installs the latter where it may.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have go || fail "the benchmark compares with Go: install it"
have python3 || fail "the benchmark is driven by Python 3: install it"
if ! printf '#include <curl/curl.h>\n' | cc -E - >/dev/null 2>&1; then
    [[ $(id -u) == 0 ]] && have apt-get || fail "install libcurl's headers (Debian: libcurl4-openssl-dev)"
    apt-get install -y -qq libcurl4-openssl-dev >/dev/null
fi

clients=$target/bench
mkdir -p "$clients"
cargo build --release --lib --example bench_upstream --example bench_plain
cp "$release/examples/bench_upstream" "$clients/upstream"
cp "$release/examples/bench_plain" "$clients/plain"
ln -sf libmodelwire.so "$release/libmodelwire.so.1"
flags=(-O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra)
cc "${flags[@]}" -Iinclude benches/clients/ours.c -L"$release" -lmodelwire -o "$clients/ours"
cc "${flags[@]}" benches/clients/curl_easy.c -lcurl -o "$clients/curl_easy"
cc "${flags[@]}" benches/clients/curl_multi.c -lcurl -o "$clients/curl_multi"
(cd benches/clients/go && go build -o "$clients/go" .)
python3 benches/run.py "$clients" "$release" "$target/bench/out" "$@"
