//! The environment as identities see it: read when a token is looked up, never kept, never
//! changed. What was read is part of the token's cache key.

use std::collections::BTreeMap;

use crate::secret::Secret;

/// The variables that one identity looks at.
#[derive(Clone, Debug, Default, Hash)]
pub struct Environment(BTreeMap<&'static str, Secret>);

impl Environment {
    /// Reads the variables of these names; a blank one reads as missing.
    pub fn read(names: &[&'static str]) -> Environment {
        let pair = |name: &&'static str| Some((*name, std::env::var(name).ok()?));
        Environment::from_pairs(names.iter().filter_map(pair))
    }

    /// An environment of these variables.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Environment {
        let secret = |(name, value): (_, String)| (name, Secret::new(value));
        let given = pairs.into_iter().map(secret);
        Environment(given.filter(|(_, value)| !value.is_blank()).collect())
    }

    /// The value of `name`, trimmed.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose().trim())
    }
}
