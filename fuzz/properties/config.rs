//! Configs: what is read does not depend on how the JSON was written, and options that were
//! decoded decode to themselves.

use modelwire::config::Config;
use modelwire::fields::Fields;
use modelwire::provider;
use serde_json::Value;

pub fn any_config_reads_the_same_twice(data: &[u8]) {
    let parsed: Option<Value> = serde_json::from_slice(data).ok();
    let config = match Config::parse(data) {
        Ok(config) => config,
        Err(error) => {
            assert_eq!(error.status().name(), "config");
            assert!(!error.to_string().chars().any(char::is_control));
            return;
        }
    };
    let Some(Value::Object(object)) = parsed else {
        assert!(data.is_empty(), "only an object is a config");
        return;
    };
    let rewritten = serde_json::to_vec(&object).expect("no value fails to print");
    let mut again = Config::parse(&rewritten).expect("the same values");
    assert!(again.options.keys().eq(config.options.keys()));
    // A number may lose its last digit on the way; the rest may not change.
    again.options.clone_from(&config.options);
    assert_eq!(format!("{config:?}"), format!("{again:?}"));

    for name in provider::names() {
        let provider = provider::find(name).expect("it has this name");
        let Ok(decoded) = provider.decode_options(&config.option_fields()) else {
            continue;
        };
        let twice = provider.decode_options(&Fields::new("options", &decoded));
        assert_eq!(twice, Ok(decoded), "{name}");
    }
}
