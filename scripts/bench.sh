#!/usr/bin/env bash
# Builds the benchmark's clients and its upstream and runs it: --quick for a short look,
# --markdown for tables as in docs/performance.md, --only WORD for some of the work.
# Needs Go and libcurl's headers for the peers, and installs the latter where it may.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have go || fail "the benchmark compares with Go: install it"
have python3 || fail "the benchmark is driven by Python 3: install it"
have valgrind || echo "valgrind is not installed: instructions are not counted" >&2
if ! printf '#include <curl/curl.h>\n' | cc -E - >/dev/null 2>&1; then
    [[ $(id -u) == 0 ]] && have apt-get || fail "install libcurl's headers (Debian: libcurl4-openssl-dev)"
    apt-get install -y -qq libcurl4-openssl-dev >/dev/null
fi

clients=$target/bench
mkdir -p "$clients/lib"

# The library as it ships: built by itself, since what tests need would turn features on in it.
cargo build --release --locked --lib
cp "$release/libmodelwire.so" "$clients/lib/libmodelwire.so.1"
ln -sf libmodelwire.so.1 "$clients/lib/libmodelwire.so"

CARGO_TARGET_DIR=$target cargo build --release --locked --manifest-path benches/rust/Cargo.toml
for program in upstream plain parts; do
    cp "$release/$program" "$clients/$program"
done

flags=(-O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude)
cc "${flags[@]}" benches/clients/ours.c -L"$clients/lib" -lmodelwire -o "$clients/ours"
cc "${flags[@]}" benches/clients/curl_easy.c -lcurl -o "$clients/curl_easy"
cc "${flags[@]}" benches/clients/curl_multi.c -lcurl -o "$clients/curl_multi"
cc "${flags[@]}" benches/clients/start.c -ldl -o "$clients/start"

(
    cd benches/clients/go
    go build -o "$clients/go" ./nethttp
    CGO_CFLAGS="-I$root/include" CGO_LDFLAGS="-L$clients/lib -lmodelwire" \
        go build -tags modelwire_path -o "$clients/go_ours" ./modelwire
)

PYTHONDONTWRITEBYTECODE=1 python3 benches/run.py \
    "$clients" "$clients/lib/libmodelwire.so" "$clients/out" "$@"
