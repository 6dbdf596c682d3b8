#!/usr/bin/env bash
# Installs the headers for C and C++, both libraries, what pkg-config and CMake need to find
# them, and the licences. Where: see places.sh. BUILT names a folder that holds the built
# libraries; without it they are built first.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/scripts/places.sh"

built=${BUILT:-}
if [[ -z $built ]]; then
    scripts/build.sh
    built=$release
fi

# What a program that links the static library needs besides: the Rust standard library's
# wishes, as `rustc --print native-static-libs` tells them, and on macOS those of the system's
# certificate store.
case $library in
    *.dylib) needed=("-framework Security" "-framework CoreFoundation" -liconv -lSystem -lc -lm) ;;
    *) needed=(-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc) ;;
esac

# Paths from a folder of the installation are relative, so that it can be moved as a whole. A
# LIBDIR outside of PREFIX cannot.
inside=${libdir#"$prefix"/}
prefix_from() { # FOLDER, HOW MANY FOLDERS IT IS BELOW LIBDIR
    local up='' slashes=${inside//[^\/]/} level
    if [[ $inside == /* ]]; then
        echo "$prefix"
        return
    fi
    for ((level = 0; level < $2 + ${#slashes} + 1; level++)); do
        up+=/..
    done
    echo "$1$up"
}
case $inside in
    /*) libdir_from_prefix=$libdir ;;
    *) libdir_from_prefix="\${prefix}/$inside" ;;
esac

join() { # SEPARATOR WORD...
    local separator=$1 joined=$2 word
    shift 2
    for word in "$@"; do
        joined+=$separator$word
    done
    printf '%s' "$joined"
}

# Fills in a template: FOLDER FILE @NAME@ TEXT ...
shopt -u patsub_replacement 2>/dev/null || true # an & stands for itself, in every bash
fill_in() {
    local text to=$1/$2
    text=$(<"packaging/$2.in")
    shift 2
    while [[ $# -gt 0 ]]; do
        text=${text//"$1"/$2}
        shift 2
    done
    printf '%s\n' "$text" >"$to"
    chmod 644 "$to"
}

umask 022
install -d "$to_include" "$to_lib" "$to_pkgconfig" "$to_cmake" "$to_licences"
install -m 644 "$header" bindings/cpp/include/modelwire.hpp "$to_include/"
install -m 644 LICENSE-APACHE LICENSE-MIT "$to_licences/"

scripts/archive.sh "$built/libmodelwire.a" "$to_lib/libmodelwire.a"
install -m 755 "$built/$library" "$to_lib/$(versioned "$version")"
ln -sf "$(versioned "$version")" "$to_lib/$soname"
ln -sf "$soname" "$to_lib/$library"

fill_in "$to_pkgconfig" modelwire.pc @version@ "$version" \
    @prefix@ "$(prefix_from "\${pcfiledir}" 1)" @libdir@ "$libdir_from_prefix" \
    @needed@ "$(join ' ' "${needed[@]}")"
fill_in "$to_cmake" modelwire-config.cmake \
    @prefix@ "$(prefix_from "\${modelwire_folder}" 2)" @soname@ "$soname" \
    @needed@ "$(join ';' "${needed[@]}")"
fill_in "$to_cmake" modelwire-config-version.cmake @version@ "$version"
echo "installed modelwire $version under ${DESTDIR:-}$prefix"
