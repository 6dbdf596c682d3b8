#!/usr/bin/env bash
# Makes the static library that is installed from the one that cargo builds: archive.sh IN OUT.
#
# Cargo's holds the Rust standard library and every dependency as so many objects, with their
# symbols for all to see. A second Rust library in the same program then either collides with
# them or shares them, by the chance of how each was built. Here everything is linked into one
# object in which the functions of the header are global and all else is local. What they do not
# reach is left out, and so is the bitcode that rustc embeds, which other tools stumble over.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# == 2 ]] || fail "usage: archive.sh IN OUT"

# Apple's linker has other options for the same; there the archive is installed as it is.
if [[ $(uname -s) == Darwin ]]; then
    install -m 644 "$1" "$2"
    exit
fi

ld=${LD:-ld} objcopy=${OBJCOPY:-objcopy} ar=${AR:-ar}
for tool in "$ld" "$objcopy" "$ar"; do
    require "$tool" "part of binutils"
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The preprocessor drops the comments, which mention functions too.
"${CC:-cc}" -E -P "$header" | grep -oE '\bmodelwire_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u >"$folder/functions"
sed 's/^/--undefined=/' "$folder/functions" >"$folder/roots"

# Sections that are shared by name with other objects (groups) would tie the object to theirs.
"$ld" -r --gc-sections --force-group-allocation @"$folder/roots" "$1" -o "$folder/whole.o"
"$objcopy" --keep-global-symbols="$folder/functions" --strip-unneeded \
    --remove-section=.llvmbc --remove-section=.llvmcmd "$folder/whole.o" "$folder/modelwire.o"
rm -f "$2"
"$ar" crsD "$2" "$folder/modelwire.o"
chmod 644 "$2"
