#!/usr/bin/env bash
# What is installed is enough to build on: C, C++, Go and CMake projects outside of the tree use
# it, shared and static, from another place than it was installed to. The static library gets on
# with another Rust library in the same program. Uninstalling leaves nothing behind.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
source "$root/scripts/upstream.sh"

have pkg-config || skip "pkg-config is not installed"
have c++ || skip "no C++ compiler"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
absent=() # tools without which a part did not run

# ---- into an empty prefix, which then moves ----

make --no-print-directory install DESTDIR="$folder/stage" PREFIX=/opt/modelwire LIBDIR=
prefix=$folder/a/prefix
mkdir "$folder/a"
mv "$folder/stage/opt/modelwire" "$prefix"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
case $library in
    *.dylib) shared=(libmodelwire.dylib libmodelwire.1.dylib "libmodelwire.$version.dylib") ;;
    *) shared=(libmodelwire.so libmodelwire.so.1 "libmodelwire.so.$version") ;;
esac
files() {
    (cd "$1" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort)
}
diff - <(files "$prefix") <<END || fail "other files (>) were installed than should be (<)"
$(printf '%s\n' include/modelwire.h include/modelwire.hpp lib/libmodelwire.a "${shared[@]/#/lib/}" \
    lib/cmake/modelwire/modelwire-config.cmake lib/cmake/modelwire/modelwire-config-version.cmake \
    lib/pkgconfig/modelwire.pc share/licenses/modelwire/LICENSE-APACHE share/licenses/modelwire/LICENSE-MIT |
    LC_ALL=C sort)
END
if have readelf; then
    readelf -d "$prefix/lib/${shared[0]}" | grep -F "[${shared[1]}]" # the SONAME
fi
if grep -rIlE "/opt/modelwire|$root" "$prefix/lib"; then
    fail "these name the place that they were installed to"
fi

# Exactly the functions of the header are for others to see.
if [[ $library != *.dylib ]]; then
    diff <("${CC:-cc}" -E -P "$header" | grep -oE '\bmodelwire_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u) \
        <(nm -g --defined-only "$prefix/lib/libmodelwire.a" | awk 'NF == 3 { print $3 }' | sort -u) ||
        fail "the header's functions (<) and the static library's symbols (>) differ"
fi

# ---- C, C++, Go, CMake ----

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[[ $(pkg-config --modversion modelwire) == "$version" ]] || fail "pkg-config has another version"
read -ra cflags <<<"$(pkg-config --cflags modelwire)"
read -ra libs <<<"$(pkg-config --libs modelwire)"
read -ra needed <<<"$(pkg-config --static --libs modelwire | sed -E 's/(^| )(-L[^ ]*|-lmodelwire)//g')"

static=$prefix/lib/libmodelwire.a
programs=()

# Each project is a folder with nothing else in it.
mkdir "$folder/c" "$folder/cpp" "$folder/go" "$folder/cmake" "$folder/beside"
cp bindings/c/examples/hello.c "$folder/c"
cp bindings/cpp/examples/chat.cpp "$folder/cpp"
cp bindings/go/examples/hello/main.go "$folder/go"
cp bindings/c/examples/hello.c bindings/cpp/examples/chat.cpp tests/install/CMakeLists.txt "$folder/cmake"
cp tests/install/beside.c tests/install/second.rs "$folder/beside"

cd "$folder/c"
"${CC:-cc}" -std=c99 hello.c -o hello-shared "${cflags[@]}" "${libs[@]}"
"${CC:-cc}" -std=c99 hello.c -o hello-static "${cflags[@]}" "$static" "${needed[@]}"
programs+=(c/hello)

cd "$folder/cpp"
"${CXX:-c++}" -std=c++17 chat.cpp -o chat-shared "${cflags[@]}" "${libs[@]}"
"${CXX:-c++}" -std=c++17 chat.cpp -o chat-static "${cflags[@]}" "$static" "${needed[@]}"
programs+=(cpp/chat)

cd "$folder/go"
if have go && [[ $library != *.dylib ]]; then
    # Go's build cache does not notice when pkg-config answers something else; flags it does.
    export CGO_CPPFLAGS="-DMODELWIRE_PREFIX=$prefix"
    go mod init example.org/outside
    go mod edit -require github.com/modelwire/modelwire/bindings/go@v0.0.0 \
        -replace "github.com/modelwire/modelwire/bindings/go=$root/bindings/go"
    go build -o hello-static
    go build -tags modelwire_shared -o hello-shared
    programs+=(go/hello)
else
    absent+=(go)
fi

cd "$folder/cmake"
configure() { # FOLDER VERSION
    cmake -S . -B "$1" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED="$2" >cmake.out 2>&1
}
if have cmake; then
    configure build "$version" && cmake --build build >cmake.out 2>&1 || { cat cmake.out && fail "CMake"; }
    if configure newer 9999.0; then
        fail "CMake takes version $version for 9999.0"
    fi
    programs+=(cmake/build/hello cmake/build/chat)
else
    absent+=(cmake)
fi

# ---- beside another Rust library, with a standard library of its own ----

cd "$folder/beside"
besides=()
if have rustc; then
    for lto in off fat; do
        rustc --edition 2024 -O --crate-type staticlib -C "lto=$lto" --print native-static-libs second.rs \
            -o "libsecond-$lto.a" 2>rustc.out || { cat rustc.out && fail "rustc"; }
        for wish in $(sed -n 's/^note: native-static-libs: //p' rustc.out); do
            [[ " ${needed[*]} " == *" $wish "* ]] || fail "modelwire.pc lacks $wish in Libs.private"
        done
        "${CC:-cc}" -std=c99 beside.c -o "after-$lto" "${cflags[@]}" "$static" "libsecond-$lto.a" "${needed[@]}"
        "${CC:-cc}" -std=c99 beside.c -o "before-$lto" "${cflags[@]}" "libsecond-$lto.a" "$static" "${needed[@]}"
        besides+=("after-$lto" "before-$lto")
    done
else
    absent+=(rustc)
fi

# ---- they run ----

cd "$root"
start_upstream
export OPENAI_API_KEY=k
loader=LD_LIBRARY_PATH
[[ $library != *.dylib ]] || loader=DYLD_LIBRARY_PATH
streams() { # PROGRAM
    env "$loader=$prefix/lib" "$folder/$1" "$upstream_url/v1" >"$folder/output" 2>&1 &&
        grep -qF 'data: [DONE]' "$folder/output"
}
for program in "${programs[@]}"; do
    streams "$program-shared" || { cat "$folder/output" && fail "$program-shared does not stream"; }
done
mkdir "$folder/aside"
mv "$prefix/lib/${library%.*}."*"${library##*.}"* "$folder/aside"
for program in "${programs[@]}"; do
    streams "$program-static" || { cat "$folder/output" && fail "$program-static does not stream"; }
    if streams "$program-shared"; then
        fail "$program-shared does not use the shared library"
    fi
    echo "$program: shared and static"
done
mv "$folder/aside/"* "$prefix/lib"
for program in ${besides[@]+"${besides[@]}"}; do
    "$folder/beside/$program" "$upstream_url/v1" | grep -F 'both work'
done
stop_upstream

# ---- uninstalling, from among the files of others ----

prefix=$folder/b/prefix
libdir=$prefix/lib/some-arch
mkdir -p "$libdir" "$prefix/include"
touch "$prefix/include/other.h" "$libdir/libmodelwired.so"
make --no-print-directory install DESTDIR= PREFIX="$prefix" LIBDIR="$libdir"
PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --variable=libdir modelwire
[[ -e $(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --variable=includedir modelwire)/modelwire.h ]] ||
    fail "modelwire.pc does not lead from another LIBDIR to the headers"
make --no-print-directory uninstall DESTDIR= PREFIX="$prefix" LIBDIR="$libdir"
diff - <(files "$prefix") <<<"$(printf '%s\n' include/other.h lib/some-arch/libmodelwired.so)" ||
    fail "uninstalling left (>) or took (<) too much"
[[ -z $(find "$prefix" -type d -name modelwire) ]] || fail "uninstalling left a folder of its own"

[[ ${#absent[@]} == 0 ]] || skip "${absent[*]} not installed, all else passed"
