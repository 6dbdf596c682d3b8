#!/usr/bin/env bash
# Removes what install.sh installed, of whatever version, and nothing else: the same PREFIX,
# LIBDIR and DESTDIR must be given. Folders that others use too are left.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/scripts/places.sh"

# The file behind the links tells its own version.
links=("$to_lib/$library" "$to_lib/$soname")
files=("${links[@]}" "$to_lib/$(versioned "$version")")
for link in "${links[@]}"; do
    behind=$(readlink "$link" || true)
    [[ $behind != libmodelwire.* ]] || files+=("$to_lib/$behind")
done
files+=(
    "$to_lib/libmodelwire.a"
    "$to_include/modelwire.h" "$to_include/modelwire.hpp"
    "$to_pkgconfig/modelwire.pc"
    "$to_cmake/modelwire-config.cmake" "$to_cmake/modelwire-config-version.cmake"
    "$to_licences/LICENSE-APACHE" "$to_licences/LICENSE-MIT"
)
rm -f "${files[@]}"
for folder in "$to_cmake" "$to_licences"; do
    [[ ! -d $folder ]] || rmdir "$folder" 2>/dev/null || echo "left $folder, which is not empty"
done
echo "uninstalled modelwire from ${DESTDIR:-}$prefix"
