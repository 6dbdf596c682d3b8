#!/usr/bin/env bash
# The documentation keeps up with the code: links lead somewhere, and every function, status,
# info field, option and config field stands on its page.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
wrong=0

complain() {
    printf '%s\n' "$*" >&2
    wrong=$((wrong + 1))
}

# ---- links ----

pages() {
    find README.md CHANGELOG.md SECURITY.md docs bindings -name '*.md' -not -path '*/node_modules/*' \
        -not -path '*/build/*' -not -path '*/dist/*' -not -path '*/.*' | sort
}

# A page's lines outside of code blocks.
prose() {
    awk '/^```/ { code = !code; next } !code' "$1"
}

# Where a page's links lead; inline code holds none.
links() {
    prose "$1" | sed 's/`[^`]*`//g' | grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//' || true
}

# The anchors of a page's headings, as GitHub makes them.
anchors() {
    prose "$1" | sed -n 's/^#\{1,6\} //p' | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

check_link() { # PAGE TARGET
    local page=$1 path=${2%%#*} anchor='' file
    [[ $2 != *#* ]] || anchor=${2#*#}
    file=$page
    [[ -z $path ]] || file=$(dirname "$page")/$path
    if [[ ! -e $file ]]; then
        complain "$page: the link to $2 leads nowhere"
    elif [[ -n $anchor && $file == *.md ]] && ! grep -qxF -- "$anchor" <(anchors "$file"); then
        complain "$page: there is no heading for the link to $2"
    fi
}

while read -r page; do
    links "$page" | sed "s|^|$page |"
done < <(pages) | grep -vE ' (https?|mailto):' >"$lists/links"
while read -r page link; do
    check_link "$page" "$link"
done <"$lists/links"
echo "$(wc -l <"$lists/links" | tr -d ' ') relative links"

# ---- what the sources have, one a line: its name, and the text that the page must hold ----

# The preprocessor drops the header's comments, which mention functions too.
functions() {
    "${CC:-cc}" -E -P "$header" | grep -oE '\bmodelwire_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u |
        sed 's/.*/& **`&`**/'
}

statuses() {
    sed -nE 's/^#define (MODELWIRE_(OK|E_[A-Z_]+)) (-?[0-9]+)$/\1 | `\1` | \3 |/p' "$header"
}

# The keys of the JSON that a function makes: FILE FUNCTION.
keys() {
    sed -n "/pub fn $2/,/^    }\$/p" "$1" | sed -nE 's/^ *"([a-z_]+)": .*/\1/p'
}

# Every string in config.rs that looks like a name is a field, or one of a field's values.
config_names() {
    sed '/^#\[cfg(test)\]/,$d' src/config.rs | grep -vE '^ *//|parse_object' | grep -oE '"[a-z_]+"' | tr -d '"' |
        sort -u
}

# Reads names and texts: the page must hold every text. A nested field may stand there with its
# parent, as `aws.region`.
check_page() { # PAGE WHAT
    local name text count=0
    sed -E 's/`[a-z_]+\.([a-z_]+`)/`\1/g' "$1" >"$lists/page"
    while read -r name text; do
        count=$((count + 1))
        grep -qF -- "$text" "$lists/page" || complain "$1: the $2 $name is missing"
    done
    [[ $count -gt 0 ]] || complain "the sources have no $2"
    echo "$1: $count times $2"
}

functions >"$lists/functions"
statuses >"$lists/statuses"
keys src/call/outcome.rs info | sed 's/.*/& | `&` |/' >"$lists/info"
keys src/settings.rs describe | sed 's/.*/& `&`/' >"$lists/options"
config_names | sed 's/.*/& `&`/' >"$lists/fields"

check_page docs/reference.md function <"$lists/functions"
check_page docs/errors.md status <"$lists/statuses"
check_page docs/errors.md "info field" <"$lists/info"
check_page docs/config.md "init option" <"$lists/options"
check_page docs/config.md "config field" <"$lists/fields"

[[ $wrong == 0 ]] || fail "$wrong things to mend in the documentation"
