#!/usr/bin/env bash
# Builds the library and asks a model from C: the first provider whose key is set, else the
# bundled upstream, which stands in for one. Needs a Rust toolchain and a C compiler.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/scripts/upstream.sh"

prompt="Say hello in one short sentence."

# Key variable, provider, a cheap model of theirs.
providers="
OPENAI_API_KEY     openai     gpt-4.1-nano
ANTHROPIC_API_KEY  anthropic  claude-haiku-4-5
GEMINI_API_KEY     google     gemini-2.5-flash-lite
MISTRAL_API_KEY    mistral    mistral-small-latest
GROQ_API_KEY       groq       llama-3.1-8b-instant
DEEPSEEK_API_KEY   deepseek   deepseek-chat
"

scripts/c.sh chat

while read -r variable provider model; do
    if [[ -n $variable && -n ${!variable:-} ]]; then
        echo "$variable is set: asking $provider, model $model"
        exec "$c_build/chat" "$provider" "$model" "$prompt"
    fi
done <<<"$providers"

start_upstream
echo "no key is set (OPENAI_API_KEY, ANTHROPIC_API_KEY ...): asking the bundled upstream at $upstream_url"
OPENAI_API_KEY=demo "$c_build/chat" --base-url "$upstream_url/v1" openai_compatible demo "$prompt"
stop_upstream
