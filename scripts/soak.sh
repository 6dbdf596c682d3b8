#!/usr/bin/env bash
# Mixed load from eight threads against the bundled upstream for SOAK_SECONDS (600). Its scripts
# are also the token endpoints of two clouds.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/scripts/upstream.sh"

scripts/c.sh soak
start_upstream
put_script refuses '[[{"reply":{"status":429,"headers":{"retry-after":"7"},"body":"{}"}}]]'
put_script breaks '[[{"chunked_open":["data: one\n\n"]},"close"]]'
put_script tokens '[[{"reply":{"headers":{"content-type":"application/json"},
    "body":"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":1}"}}]]'

export AZURE_AUTHORITY_HOST=$upstream_url/s/tokens
export GOOGLE_APPLICATION_CREDENTIALS
GOOGLE_APPLICATION_CREDENTIALS=$(mktemp)
trap 'rm -f "$GOOGLE_APPLICATION_CREDENTIALS"' EXIT
cat >"$GOOGLE_APPLICATION_CREDENTIALS" <<END
{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r","token_uri":"$upstream_url/s/tokens"}
END

"$c_build/soak" "$upstream_url" "${SOAK_SECONDS:-600}"
stop_upstream
