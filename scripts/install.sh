#!/usr/bin/env bash
# Installs the header, both libraries and a pkg-config file.
# PREFIX (/usr/local), LIBDIR ($PREFIX/lib) and DESTDIR (none) say where.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/build.sh

prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-$prefix/lib}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
to_lib=${DESTDIR:-}$libdir

install -d "${DESTDIR:-}$prefix/include" "$to_lib/pkgconfig"
install -m 644 "$header" "${DESTDIR:-}$prefix/include/"
install -m 644 "$release/libmodelwire.a" "$to_lib/"

case $library in
    *.dylib)
        install -m 755 "$release/$library" "$to_lib/"
        ;;
    *)
        install -m 755 "$release/$library" "$to_lib/$library.$version"
        for link in "$release/$library".*; do # the SONAME
            [[ -L $link ]] && ln -sf "$library.$version" "$to_lib/$(basename "$link")"
        done
        ln -sf "$library.$version" "$to_lib/$library"
        ;;
esac

cat >"$to_lib/pkgconfig/modelwire.pc" <<END
prefix=$prefix
libdir=$libdir
includedir=\${prefix}/include

Name: modelwire
Description: LLM providers through one C ABI
Version: $version
Libs: -L\${libdir} -lmodelwire
Libs.private: -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
Cflags: -I\${includedir}
END
echo "installed modelwire $version under ${DESTDIR:-}$prefix"
