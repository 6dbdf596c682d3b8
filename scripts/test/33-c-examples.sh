#!/usr/bin/env bash
# The C examples against the bundled upstream: what they print, and each exit status of chat.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"

scripts/c.sh
start_upstream
output=$(mktemp)
trap 'rm -f "$output" "$output.err"' EXIT
failures=0

# expect STATUS FRAGMENT COMMAND...: it exits so, and prints that on either output.
expect() {
    local status=0 wanted=$1 fragment=$2
    shift 2
    "$@" >"$output" 2>"$output.err" || status=$?
    if [[ $status == "$wanted" ]] && grep -qF -- "$fragment" "$output" "$output.err"; then
        echo "ok: ${*##*/}"
        return
    fi
    failures=$((failures + 1))
    echo "failed: $* exited $status, not $wanted, or did not print: $fragment"
    cat "$output" "$output.err"
}

chat=$c_build/chat
base=$upstream_url/v1
export OPENAI_API_KEY=k ANTHROPIC_API_KEY=k GEMINI_API_KEY=k MISTRAL_API_KEY=k GROQ_API_KEY=k DEEPSEEK_API_KEY=k
export AZURE_OPENAI_API_KEY=k AZURE_OPENAI_ENDPOINT=$upstream_url
export GOOGLE_CLOUD_ACCESS_TOKEN=k GOOGLE_CLOUD_PROJECT=p GOOGLE_CLOUD_LOCATION=us-central1
export AWS_BEARER_TOKEN_BEDROCK=k AWS_REGION=us-east-1

expect 0 'data: [DONE]' "$c_build/hello" "$base"
expect 0 'say \"this\" \\ that' "$chat" --no-stream --base-url "$base" openai_compatible m 'say "this" \ that'

# Every provider, streamed and whole. The upstream repeats the prompt.
while read -r provider path; do
    expect 0 banana "$chat" --base-url "$upstream_url$path" "$provider" m banana
    expect 0 banana "$chat" --no-stream --base-url "$upstream_url$path" "$provider" m banana
done <<'END'
openai /v1
openai_compatible /v1
anthropic
google
vertex
azure
bedrock
mistral /v1
groq /v1
deepseek
END
expect 0 banana "$chat" --responses --base-url "$base" openai m banana
expect 0 '"ok":true' "$chat" --probe --base-url "$base" openai

# The exit statuses.
put_script refuses '[[{"reply":{"status":429,"body":"{\"error\":\"slow down\"}"}}]]'
put_script rejects '[[{"reply":{"status":401,"body":"{}"}}]]'
put_script breaks '[[{"chunked_open":["data: one\n\n"]},"close"]]'
put_script hangs '[[{"chunked_open":["data: one\n\n"]},"hang"]]'
expect 0 'usage: chat' "$chat" --help
expect 1 'usage: chat' "$chat"
expect 1 'no provider is called' "$chat" nobody m p
expect 2 'base_url is required' "$chat" openai_compatible m p
expect 2 'MISTRAL_API_KEY is not set' env -u MISTRAL_API_KEY "$chat" mistral m p
expect 3 'chat: connect' "$chat" --base-url http://127.0.0.1:1 openai_compatible m p
expect 4 'slow down' "$chat" --base-url "$upstream_url/s/refuses" openai_compatible m p
expect 5 'chat: truncated' "$chat" --base-url "$upstream_url/s/breaks" openai_compatible m p
expect 2 '"stage":"authentication"' "$chat" --probe --base-url "$upstream_url/s/rejects" openai_compatible
expect 3 '"stage":"connectivity"' "$chat" --probe --base-url http://127.0.0.1:1 openai_compatible
expect 4 '"stage":"provider"' "$chat" --probe --base-url "$upstream_url/s/refuses" openai_compatible

# Ctrl-C after the first line.
interrupt() {
    local line pid
    coproc CHAT { exec "$chat" --base-url "$upstream_url/s/hangs" openai_compatible m p; }
    pid=$CHAT_PID
    read -r line <&"${CHAT[0]}"
    kill -INT "$pid"
    wait "$pid"
}
expect 130 'chat: cancelled' interrupt

# A hundred streams, each with lines and a clean end.
expect 0 'stream 99: ' "$c_build/many" "$base" m
[[ $(grep -cE '^stream [0-9]+: [1-9][0-9]* lines, ok, done$' "$output") == 100 ]] || {
    failures=$((failures + 1))
    echo "failed: many did not end 100 streams by [DONE]"
    cat "$output"
}

stop_upstream
[[ $failures == 0 ]] || fail "$failures failed"
