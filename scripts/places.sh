# Sourced after common.sh by install.sh and uninstall.sh: what is installed, and where.
# PREFIX (/usr/local), LIBDIR ($PREFIX/lib) and DESTDIR (none) come from the environment.
# shellcheck shell=bash disable=SC2034,SC2154

prefix=${PREFIX:-/usr/local}
prefix=${prefix%/}
libdir=${LIBDIR:-$prefix/lib}
libdir=${libdir%/}
[[ ${PREFIX:-/} == /* && $libdir == /* ]] || fail "PREFIX and LIBDIR must be absolute paths"

to_include=${DESTDIR:-}$prefix/include
to_lib=${DESTDIR:-}$libdir
to_pkgconfig=$to_lib/pkgconfig
to_cmake=$to_lib/cmake/modelwire
to_licences=${DESTDIR:-}$prefix/share/licenses/modelwire

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
abi=$(sed -n 's/^#define MODELWIRE_ABI_VERSION //p' "$header")

# The shared library is a file and two links: the name that linkers look for, and the one that
# programs do. The latter, the SONAME, carries the ABI's number.
versioned() { # NUMBER
    case $library in
        *.dylib) echo "${library%.dylib}.$1.dylib" ;;
        *) echo "$library.$1" ;;
    esac
}
soname=$(versioned "$abi")
