# Sourced after common.sh: the bundled upstream, for scripts that need something to talk to.
# shellcheck shell=bash disable=SC2154

# Starts it on a free port and sets upstream_url. It reads a pipe that this shell holds open, so
# it ends when the shell does, however that comes about.
start_upstream() {
    local pipes line upstream=${MODELWIRE_UPSTREAM:-$release/examples/upstream}
    [[ -n ${MODELWIRE_UPSTREAM:-} ]] || cargo build --release --example upstream
    pipes=$(mktemp -d)
    mkfifo "$pipes/in" "$pipes/out"
    "$upstream" --until-eof <"$pipes/in" >"$pipes/out" &
    upstream_pid=$!
    exec 8>"$pipes/in" 9<"$pipes/out"
    rm -r "$pipes"
    read -r line <&9 || fail "the upstream did not start"
    upstream_url=${line##* }
}

stop_upstream() {
    exec 8>&- 9<&-
    wait "$upstream_pid"
}

# Sends one request and prints the status line: upstream_request METHOD PATH [BODY].
upstream_request() {
    local host=${upstream_url#http://} body=${3:-} status
    exec 7<>"/dev/tcp/${host%:*}/${host#*:}"
    printf '%s %s HTTP/1.1\r\nhost: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s' \
        "$1" "$2" "$host" "${#body}" "$body" >&7
    read -r status <&7
    exec 7>&-
    printf '%s\n' "${status%$'\r'}"
}

# Has the upstream replay a script under $upstream_url/s/ID: put_script ID JSON (ASCII).
put_script() {
    local status
    status=$(upstream_request PUT "/__scripts/$1" "$2")
    [[ $status == *" 200 "* ]] || fail "the upstream refused the script $1: $status"
}
