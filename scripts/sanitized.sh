# Sourced after common.sh: builds with AddressSanitizer, LeakSanitizer and the counters that
# libFuzzer steers by, on the stable toolchain. One set of flags for all, so that the sanitizer
# suites and the fuzz targets share what they compile.
# shellcheck shell=bash disable=SC2034,SC2154

triple=$(rustc -vV | sed -n 's/^host: //p')
sanitized_target=$target/sanitized
sanitized=$sanitized_target/$triple/debug
asan_runtime=$(rustc --print sysroot)/lib/rustlib/$triple/lib/librustc-stable_rt.asan.a
[[ -e $asan_runtime ]] || asan_runtime=$(rustc --print sysroot)/lib/rustlib/$triple/lib/librustc-nightly_rt.asan.a

# Why this machine cannot build so; empty where it can.
unsanitized=
[[ $triple == *-linux-gnu && -e $asan_runtime ]] || unsanitized="no AddressSanitizer for $triple"

# cargo SUBCOMMAND ARGUMENTS..., with the flags; a subcommand builds for the triple, into a
# directory of its own.
sanitized() {
    local subcommand=$1 coverage=-Cllvm-args=-sanitizer-coverage
    shift
    RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$sanitized_target RUSTFLAGS="-Zsanitizer=address -Cpasses=sancov-module \
$coverage-level=4 $coverage-inline-8bit-counters $coverage-pc-table $coverage-trace-compares" \
        cargo "$subcommand" --locked --target "$triple" "$@"
}
