#!/usr/bin/env bash
# The Go binding: a newcomer's program against an installed library, static and shared; the
# package's tests with the behaviour list, plain, raced and with cgo's checks; the examples.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"

have go || skip "no Go toolchain"
have pkg-config || skip "pkg-config is not installed"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
binding=$root/bindings/go

# The README prints the example, to the byte.
awk '/^```go$/ { inside = 1; next } /^```/ && inside { exit } inside' "$binding/README.md" |
    diff -u "$binding/examples/hello/main.go" - || fail "bindings/go/README.md does not print examples/hello"

PREFIX=$folder/prefix LIBDIR=$folder/prefix/lib DESTDIR='' scripts/install.sh
export PKG_CONFIG_PATH=$folder/prefix/lib/pkgconfig
# Go's build cache does not see that pkg-config answers with another folder; this it sees.
export CGO_CPPFLAGS=-DMODELWIRE_PREFIX=$folder
start_upstream
export OPENAI_API_KEY=k MODELWIRE_UPSTREAM=${MODELWIRE_UPSTREAM:-$release/examples/upstream}

# As the README tells a newcomer, in an empty folder.
mkdir "$folder/hello"
(
    cd "$folder/hello"
    go mod init hello
    go mod edit -require github.com/modelwire/modelwire/bindings/go@v0.0.0 \
        -replace "github.com/modelwire/modelwire/bindings/go=$binding"
    cp "$binding/examples/hello/main.go" .
    go build -o static
    go build -tags modelwire_shared -o shared
    CGO_CFLAGS="-I$root/include" \
        CGO_LDFLAGS="$release/libmodelwire.a $(pkg-config --static --libs-only-l modelwire | sed 's/-lmodelwire//')" \
        go build -tags modelwire_path -o path
    LD_LIBRARY_PATH=$folder/prefix/lib ./shared "$upstream_url/v1" | grep -F 'data: [DONE]'
    if LD_LIBRARY_PATH='' ./shared "$upstream_url/v1" >shared.out 2>&1; then
        [[ $library == *.dylib ]] || fail "the shared program does not use the shared library"
    fi
    ./static "$upstream_url/v1" | grep -F 'data: [DONE]'
    ./path "$upstream_url/v1" | grep -F 'data: [DONE]'
)

cd "$binding"
unformatted=$(gofmt -l .)
[[ -z $unformatted ]] || fail "not formatted: $unformatted"
go vet ./...
go test -count=1 ./...
go test -count=1 -race ./...
GOEXPERIMENT=cgocheck2 go test -count=1 ./...

# The example, and its exit statuses.
go build -o "$folder/chat" ./examples/chat
expect() { # STATUS FRAGMENT ARGUMENT...
    local status=0 wanted=$1 fragment=$2
    shift 2
    "$folder/chat" "$@" >"$folder/output" 2>&1 || status=$?
    if [[ $status != "$wanted" ]] || ! grep -qF -- "$fragment" "$folder/output"; then
        cat "$folder/output"
        fail "chat $* exited $status, not $wanted, or did not print: $fragment"
    fi
    echo "ok: chat $*"
}
put_script refuses '[[{"reply":{"status":429,"body":"{\"error\":\"slow down\"}"}}]]'
put_script breaks '[[{"chunked_open":["data: one\n\n"]},"close"]]'
expect 0 banana --base-url "$upstream_url/v1" openai_compatible m banana
expect 0 banana --no-stream --base-url "$upstream_url/v1" openai_compatible m banana
expect 0 'ok: true' --probe --base-url "$upstream_url/v1" openai_compatible
expect 1 'usage: chat' openai
expect 2 'api key is required' --base-url "$upstream_url" anthropic m p
expect 3 'modelwire: connect' --base-url http://127.0.0.1:1 openai_compatible m p
expect 4 'slow down' --base-url "$upstream_url/s/refuses" openai_compatible m p
expect 5 'modelwire: truncated' --base-url "$upstream_url/s/breaks" openai_compatible m p

stop_upstream
