//! Generates the C header from `src/ffi` into OUT_DIR, and links the shared library so that
//! its SONAME carries the ABI's major version and it is never unmapped (the handler of
//! `pthread_atfork` and thread-local destructors point into it).

use std::env;
use std::path::Path;

/// The rooms of the header, in its order.
const SOURCES: [&str; 8] = [
    "constants",
    "results",
    "sse",
    "library",
    "providers",
    "blocking",
    "calls",
    "pollers",
];

const ABI_VERSION: u32 = 1;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/ffi");
    header();
    link();
}

fn header() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let config = cbindgen::Config::from_file(Path::new(&root).join("cbindgen.toml"))
        .expect("cbindgen.toml is readable");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(Path::new(&root).join(format!("src/ffi/{source}.rs")));
    }
    builder
        .generate()
        .expect("src/ffi makes a header")
        .write_to_file(Path::new(&out).join("modelwire.h"));
}

fn link() {
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let flags: &[String] = match os.as_str() {
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" => &[
            format!("-Wl,-soname,libmodelwire.so.{ABI_VERSION}"),
            "-Wl,-z,nodelete".into(),
        ],
        "macos" => &[format!(
            "-Wl,-install_name,@rpath/libmodelwire.{ABI_VERSION}.dylib"
        )],
        _ => &[],
    };
    for flag in flags {
        println!("cargo:rustc-cdylib-link-arg={flag}");
    }
}
