# Sourced after common.sh: the behaviour list in the form that the C and C++ runners read.
# shellcheck shell=bash disable=SC2154

behaviour_list=$c_build/behaviours.list

# Writes the list to $behaviour_list, and compiles what both runners share to $c_build/behaviours.
prepare_behaviours() {
    local dump=${MODELWIRE_BEHAVIOURS:-$release/examples/behaviours}
    [[ -n ${MODELWIRE_BEHAVIOURS:-} ]] || cargo build --release --example behaviours
    rm -rf "$c_build/behaviours"
    mkdir -p "$c_build/behaviours"
    "$dump" >"$behaviour_list"
    local source
    for source in tests/c/behaviours/*.c; do
        "${CC:-cc}" "${c_flags[@]}" -c "$source" -o "$c_build/behaviours/$(basename "$source" .c).o"
    done
}

c_flags=(-std=c99 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror "-I$root/include")
