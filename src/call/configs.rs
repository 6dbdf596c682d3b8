//! Configs that were read lately. A host sends the same few again and again, and reading one
//! costs more than all the rest that a call does before it sends; so what was read, and found
//! right for its provider, is kept.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use zeroize::Zeroizing;

use super::lock;
use crate::config::Config;
use crate::error::Error;
use crate::provider::Provider;

/// The configs of one run of the library, wiped with it.
#[derive(Default)]
pub(super) struct Configs {
    kept: Mutex<HashMap<&'static str, OfProvider>>,
}

type OfProvider = HashMap<Text, Arc<Config>>;

/// The bytes of a config, as the host wrote them.
#[derive(PartialEq, Eq)]
struct Text(Zeroizing<Vec<u8>>);

/// A host with more configs than this for one provider starts over.
const MOST: usize = 256;
/// A longer one is read each time.
const LONGEST: usize = 16 * 1024;

impl Configs {
    /// The config in `text`, with options that `provider` takes.
    ///
    /// # Errors
    /// `Config` naming the field that is wrong; such a config is not kept.
    pub(super) fn read(
        &self,
        provider: &'static dyn Provider,
        text: Vec<u8>,
    ) -> Result<Arc<Config>, Error> {
        let name = provider.name();
        let kept = |kept: &HashMap<_, OfProvider>| kept.get(name)?.get(text.as_slice()).cloned();
        if let Some(config) = kept(&lock(&self.kept)) {
            return Ok(config);
        }
        let config = Config::parse(&text)?;
        // What the options say must be right even where this request does not need them.
        provider.decode_options(&config.option_fields())?;
        let config = Arc::new(config);
        if text.len() <= LONGEST {
            let mut kept = lock(&self.kept);
            let of_provider = kept.entry(name).or_default();
            if of_provider.len() >= MOST {
                of_provider.clear();
            }
            of_provider.insert(Text(Zeroizing::new(text)), config.clone());
        }
        Ok(config)
    }
}

impl std::fmt::Debug for Configs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configs").finish_non_exhaustive()
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_slice().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::find;

    fn read(configs: &Configs, provider: &str, text: &str) -> Result<Arc<Config>, Error> {
        configs.read(find(provider)?, text.as_bytes().to_vec())
    }

    #[test]
    fn the_same_bytes_are_read_once_for_each_provider() -> Result<(), Error> {
        let configs = Configs::default();
        let first = read(&configs, "openai", r#"{"model":"a"}"#)?;
        assert!(Arc::ptr_eq(
            &first,
            &read(&configs, "openai", r#"{"model":"a"}"#)?
        ));
        let other = read(&configs, "openai", r#"{"model":"b"}"#)?;
        assert_eq!(other.chosen_model(), Some("b"));
        assert!(!Arc::ptr_eq(
            &first,
            &read(&configs, "groq", r#"{"model":"a"}"#)?
        ));
        Ok(())
    }

    #[test]
    fn one_that_is_wrong_for_its_provider_is_wrong_each_time() -> Result<(), Error> {
        let configs = Configs::default();
        let text = r#"{"options":{"api":"no such"}}"#;
        read(&configs, "groq", text)?;
        for _ in 0..2 {
            let error = read(&configs, "openai", text).map(drop);
            assert!(matches!(error, Err(Error::Config(_))), "{error:?}");
        }
        Ok(())
    }

    #[test]
    fn no_more_are_kept_than_may_be() -> Result<(), Error> {
        let configs = Configs::default();
        for n in 0..=MOST {
            read(&configs, "openai", &format!(r#"{{"model":"{n}"}}"#))?;
        }
        let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(LONGEST));
        read(&configs, "openai", &long)?;
        assert_eq!(lock(&configs.kept)["openai"].len(), 1);
        Ok(())
    }
}
