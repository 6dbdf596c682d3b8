//! One HTTP client for each provider and transport setting, made once even when many calls
//! want it first at the same moment. A client owns its connections, so two calls share
//! connections exactly when they share a client.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use once_cell::sync::OnceCell;

use super::client::Client;
use super::connector::Counters;
use super::proxy::{EnvironmentProxies, proxies};
use super::tls::Tls;
use crate::config::{TransportConfig, Unusable};
use crate::error::Error;
use crate::settings::Settings;

/// The clients of one run of the library.
#[derive(Debug)]
pub struct Pool {
    settings: Arc<Settings>,
    environment: EnvironmentProxies,
    clients: Mutex<HashMap<Key, Arc<OnceCell<Arc<Client>>>>>,
    tls: Mutex<HashMap<TransportConfig, Arc<Tls>>>,
    counters: Mutex<HashMap<&'static str, Arc<Counters>>>,
}

/// Connections of one provider since the runtime started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Connections made.
    pub opened: u64,
    /// Requests that went out on a connection made before.
    pub reused: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    provider: &'static str,
    transport: TransportConfig,
    connect: Duration,
}

/// Distinct settings kept at once. A host that sends ever new ones starts over, and calls
/// in flight keep the client they have.
const MAX_CLIENTS: usize = 256;

impl Pool {
    /// An empty pool; clients are made on first use.
    pub fn new(settings: Arc<Settings>, environment: EnvironmentProxies) -> Pool {
        Pool {
            settings,
            environment,
            clients: Mutex::default(),
            tls: Mutex::default(),
            counters: Mutex::default(),
        }
    }

    /// Makes what the settings' own transport asks for, so that what cannot be used is said
    /// by `modelwire_init` and not by the first call.
    ///
    /// # Errors
    /// `Error::Config` naming the option.
    pub fn check(&self) -> Result<(), Error> {
        let wanted = &self.settings.transport;
        let in_options = |unusable: Unusable| unusable.under("");
        proxies(wanted, &self.environment).map_err(in_options)?;
        Tls::new(wanted.clone()).check().map_err(in_options)
    }

    /// The client of `provider` for these transport settings.
    ///
    /// # Errors
    /// `Error::Config` when a certificate or the proxy's URL cannot be used.
    pub fn client(
        &self,
        provider: &'static str,
        wanted: &TransportConfig,
        connect: Option<Duration>,
    ) -> Result<Arc<Client>, Error> {
        let key = Key {
            provider,
            transport: self.effective(wanted),
            connect: connect.unwrap_or(self.settings.connect_timeout),
        };
        let cell = bounded_entry(&mut lock(&self.clients), key.clone(), Arc::default);
        let made = cell.get_or_try_init(|| self.make(&key).map(Arc::new))?;
        Ok(made.clone())
    }

    /// Connections of every provider that was used, by name.
    pub fn stats(&self) -> Vec<(&'static str, PoolStats)> {
        let counters = lock(&self.counters);
        let mut stats: Vec<_> = counters
            .iter()
            .map(|(name, c)| (*name, c.stats()))
            .collect();
        stats.sort_unstable_by_key(|(name, _)| *name);
        stats
    }

    fn effective(&self, wanted: &TransportConfig) -> TransportConfig {
        let base = &self.settings.transport;
        TransportConfig {
            proxy: wanted.proxy.clone().or_else(|| base.proxy.clone()),
            no_proxy: wanted.no_proxy.clone().or_else(|| base.no_proxy.clone()),
            ca_pem: wanted.ca_pem.clone().or_else(|| base.ca_pem.clone()),
            client_cert_pem: wanted
                .client_cert_pem
                .clone()
                .or_else(|| base.client_cert_pem.clone()),
        }
    }

    fn make(&self, key: &Key) -> Result<Client, Error> {
        let proxies = proxies(&key.transport, &self.environment).map_err(in_config)?;
        let tls = self.tls(&key.transport)?;
        let counters = lock(&self.counters)
            .entry(key.provider)
            .or_default()
            .clone();
        Client::new(&self.settings, tls, proxies, key.connect, counters)
    }

    /// Clients that differ only in their proxy share one TLS setting.
    fn tls(&self, transport: &TransportConfig) -> Result<Arc<Tls>, Error> {
        let wanted = TransportConfig {
            proxy: None,
            no_proxy: None,
            ..transport.clone()
        };
        let make = || Arc::new(Tls::new(wanted.clone()));
        let tls = bounded_entry(&mut lock(&self.tls), wanted.clone(), make);
        tls.check().map_err(in_config)?;
        Ok(tls)
    }
}

fn in_config(unusable: Unusable) -> Error {
    unusable.under("transport.")
}

fn bounded_entry<K: Eq + Hash, V: Clone>(
    map: &mut HashMap<K, V>,
    key: K,
    make: impl FnOnce() -> V,
) -> V {
    if map.len() >= MAX_CLIENTS && !map.contains_key(&key) {
        map.clear();
    }
    map.entry(key).or_insert_with(make).clone()
}

/// Nothing that runs under these locks can leave them half-way, so a poisoned one is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
