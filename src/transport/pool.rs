//! One HTTP client for each provider and transport setting, made once even when many calls
//! want it first at the same moment. A client owns its connections, so two calls share
//! connections exactly when they share a client.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use once_cell::sync::OnceCell;
use tokio::runtime::Handle;

use super::client::Client;
use super::connector::{Counters, Route};
use super::proxy::{EnvironmentProxies, proxies};
use super::tls::Tls;
use crate::config::{Config, TransportConfig, Unusable};
use crate::error::Error;
use crate::settings::Settings;

/// Clients whose connections one runtime drives.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    max_idle_per_host: usize,
    clients: Mutex<HashMap<Key, Arc<OnceCell<Arc<Client>>>>>,
}

/// What every pool of one run of the library makes its clients of.
#[derive(Debug)]
struct Shared {
    settings: Arc<Settings>,
    environment: EnvironmentProxies,
    threads: Handle,
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
    /// An empty pool; clients are made on first use. Names are resolved by `threads`.
    pub fn new(settings: Arc<Settings>, environment: EnvironmentProxies, threads: Handle) -> Pool {
        Pool {
            max_idle_per_host: settings.max_idle_per_host,
            shared: Arc::new(Shared {
                settings,
                environment,
                threads,
                tls: Mutex::default(),
                counters: Mutex::default(),
            }),
            clients: Mutex::default(),
        }
    }

    /// A pool of the same clients with connections of its own, for one call at a time.
    pub(super) fn for_one_call(&self) -> Pool {
        Pool {
            shared: self.shared.clone(),
            max_idle_per_host: self.max_idle_per_host.min(1),
            clients: Mutex::default(),
        }
    }

    /// Looks at what the library's own options ask for, so that what cannot be used is said
    /// by `modelwire_init` and not by the first call.
    ///
    /// # Errors
    /// `Error::Config` naming the option.
    pub fn check(wanted: &TransportConfig, environment: &EnvironmentProxies) -> Result<(), Error> {
        let in_options = |unusable: Unusable| unusable.under("");
        proxies(wanted, environment).map_err(in_options)?;
        Tls::new(wanted.clone()).check().map_err(in_options)
    }

    /// The client of `provider` for this config's transport.
    ///
    /// # Errors
    /// `Error::Config` when a certificate or the proxy's URL cannot be used.
    pub fn client(&self, provider: &'static str, config: &Config) -> Result<Arc<Client>, Error> {
        let settings = &self.shared.settings;
        let key = Key {
            provider,
            transport: effective(&config.transport, &settings.transport),
            connect: config.timeouts.connect.unwrap_or(settings.connect_timeout),
        };
        let cell = bounded_entry(&mut lock(&self.clients), key.clone(), Arc::default);
        let made = cell.get_or_try_init(|| self.make(&key).map(Arc::new))?;
        Ok(made.clone())
    }

    /// Connections of every provider that was used, by name.
    pub fn stats(&self) -> Vec<(&'static str, PoolStats)> {
        let counters = lock(&self.shared.counters);
        let mut stats: Vec<_> = counters
            .iter()
            .map(|(name, c)| (*name, c.stats()))
            .collect();
        stats.sort_unstable_by_key(|(name, _)| *name);
        stats
    }

    fn make(&self, key: &Key) -> Result<Client, Error> {
        let shared = &self.shared;
        let proxies = proxies(&key.transport, &shared.environment).map_err(in_config)?;
        let tls = shared.tls(&key.transport)?;
        let counters = lock(&shared.counters)
            .entry(key.provider)
            .or_default()
            .clone();
        let route = Route {
            threads: shared.threads.clone(),
            tls,
            proxies: Arc::new(proxies),
            deadline: key.connect,
        };
        Client::new(&shared.settings, route, self.max_idle_per_host, counters)
    }
}

impl Shared {
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

fn effective(wanted: &TransportConfig, base: &TransportConfig) -> TransportConfig {
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
