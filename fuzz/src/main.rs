//! libFuzzer over one property at a time: the one that `MODELWIRE_PROPERTY` names.

#![no_main]

#[path = "../properties/mod.rs"]
mod properties;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();
    let property = CHOSEN.get_or_init(|| {
        let name = std::env::var("MODELWIRE_PROPERTY").unwrap_or_default();
        let mut all = properties::ALL.iter();
        let found = all.find(|(known, _)| *known == name);
        found.expect("MODELWIRE_PROPERTY names a property").1
    });
    property(data);
});
