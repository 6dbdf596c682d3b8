//! What must hold for any bytes at all, one file per room that reads what others wrote. Each
//! property takes bytes and panics where it does not hold; libFuzzer (`fuzz/`) and the
//! integration test `properties` feed it.

mod abi;
mod bedrock;
mod bytes;
mod config;
mod eventstream;
mod info;
mod lines;
mod model;

/// A property by its name, which is also its folder in `fuzz/corpus`.
pub type Property = (&'static str, fn(&[u8]));

pub const ALL: [Property; 7] = [
    ("abi", abi::any_sequence_of_calls_leaves_nothing),
    ("bedrock", bedrock::surgery_touches_nothing_else),
    ("config", config::any_config_reads_the_same_twice),
    (
        "eventstream",
        eventstream::frames_read_as_the_sdk_reads_them,
    ),
    ("info", info::any_headers_make_a_report),
    ("lines", lines::any_split_gives_the_same_lines),
    ("model", model::the_model_is_the_one_a_parser_sees),
];
