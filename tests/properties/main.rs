//! The properties that libFuzzer explores, on every input that was ever worth keeping and on
//! variations of those: an input that broke one is in its corpus and stays there.

#[path = "../../fuzz/properties/mod.rs"]
mod properties;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::{any, prop};
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

#[test]
fn any_sequence_of_calls_leaves_nothing() {
    check("abi", 12);
}

#[test]
fn surgery_touches_nothing_else() {
    check("bedrock", 512);
}

#[test]
fn any_config_reads_the_same_twice() {
    check("config", 512);
}

#[test]
fn frames_read_as_the_sdk_reads_them() {
    check("eventstream", 512);
}

#[test]
fn any_headers_make_a_report() {
    check("info", 512);
}

#[test]
fn any_split_gives_the_same_lines() {
    check("lines", 512);
}

#[test]
fn the_model_is_the_one_a_parser_sees() {
    check("model", 512);
}

fn check(name: &str, variations: u32) {
    let mut all = properties::ALL.iter();
    let (_, property) = all.find(|(known, _)| *known == name).expect("a property");
    let corpus = corpus(name);
    for input in &corpus {
        property(input);
    }
    let config = Config {
        cases: variations,
        failure_persistence: None,
        ..Config::default()
    };
    let changes = vec(
        (any::<Index>(), prop::num::u8::ANY, prop::num::u8::ANY),
        0..8,
    );
    TestRunner::new(config)
        .run(&(select(corpus), changes), |(mut input, changes)| {
            for (at, kind, byte) in changes {
                change(&mut input, at, kind, byte);
            }
            property(&input);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{name}: {failure}"));
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let entries = fs::read_dir(folder).expect("a folder of inputs");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an input").path())
        .collect();
    paths.sort();
    let inputs: Vec<_> = paths
        .iter()
        .map(|path| fs::read(path).expect("readable"))
        .collect();
    assert!(!inputs.is_empty());
    inputs
}

/// One byte more, less or other, or the rest twice or not at all.
fn change(input: &mut Vec<u8>, at: Index, kind: u8, byte: u8) {
    let at = at.index(input.len() + 1);
    match kind % 8 {
        0 if at < input.len() => drop(input.remove(at)),
        1 => input.truncate(at),
        2 => input.extend_from_within(at..),
        3 | 4 if at < input.len() => input[at] = byte,
        5 if at < input.len() => input[at] ^= 1 << (byte % 8),
        _ => input.insert(at, byte),
    }
}
