#!/usr/bin/env bash
# Without a key the demo talks to the bundled upstream, says so, and gets an answer.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

output=$(env -u OPENAI_API_KEY -u ANTHROPIC_API_KEY -u GEMINI_API_KEY -u MISTRAL_API_KEY -u GROQ_API_KEY \
    -u DEEPSEEK_API_KEY make --no-print-directory demo)
printf '%s\n' "$output"
[[ $output == *"bundled upstream"* && $output == *"data: [DONE]"* ]] || fail "the demo printed no stream"
