#!/usr/bin/env bash
# The header stands alone in strict C99 and in C++11, and its functions link from both.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

scripts/build.sh
mkdir -p "$c_build"
flags=(-pedantic-errors -Wall -Wextra -Werror -Iinclude)
link=(-L"$release" -lmodelwire "-Wl,-rpath,$release")

"${CC:-cc}" -std=c99 "${flags[@]}" tests/c/header.c -o "$c_build/header-c" "${link[@]}"
"$c_build/header-c"
echo "C99: fine"

have "${CXX:-c++}" || skip "no C++ compiler"
"${CXX:-c++}" -std=c++11 "${flags[@]}" tests/c/header.cpp -o "$c_build/header-cpp" "${link[@]}"
"$c_build/header-cpp"
echo "C++11: fine"
