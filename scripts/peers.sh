#!/usr/bin/env bash
# Installs what the suites test against into .peers/: npm packages (scripts/peers/npm.txt), a
# Python venv (scripts/peers/python.txt), and the Debian packages below, those that are missing.
# What was installed once is kept until its list changes. A toolchain that is missing is said
# and passed over, since the suites that need it skip; with CI set it is an error.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

lists=$root/scripts/peers

lack() {
    printf 'peers: %s\n' "$*"
    [[ ${CI:-} != true ]] || exit 1
}

# Whether the stamp says that this list was installed already.
installed() { # STAMP LIST
    cmp -s "$1" "$2"
}

packages() { # LIST
    grep -v '^#' "$1"
}

install_npm() {
    local list=$lists/npm.txt stamp=$peers/npm.stamp names
    installed "$stamp" "$list" && return
    have npm || { lack "no npm: suites that need Node.js are skipped"; return; }
    mapfile -t names < <(packages "$list")
    if npm install --prefix "$peers" --no-audit --no-fund --no-save --loglevel=error "${names[@]}"; then
        cp "$list" "$stamp"
    else
        lack "npm could not install ${names[*]}"
    fi
}

install_python() {
    local list=$lists/python.txt stamp=$peers/python.stamp
    installed "$stamp" "$list" && return
    have python3 || { lack "no python3: suites that need Python are skipped"; return; }
    if python3 -m venv "$peers/venv" && "$peers/venv/bin/pip" install --quiet -r "$list"; then
        cp "$list" "$stamp"
    else
        lack "pip could not install $(packages "$list" | tr '\n' ' ')"
    fi
}

install_debian() {
    local missing=() name
    for name in nginx tinyproxy valgrind; do
        PATH=$PATH:/usr/sbin have "$name" || missing+=("$name")
    done
    have abidiff || missing+=(abigail-tools)
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ -f /etc/debian_version && $(id -u) == 0 ]]; then
        # RUNLEVEL=1 keeps the packages from starting their services.
        export RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive
        if ! { apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null; }; then
            lack "apt-get could not install ${missing[*]}"
        fi
    else
        lack "please install ${missing[*]}: suites that need them are skipped"
    fi
}

mkdir -p "$peers"
install_npm
install_python
install_debian
