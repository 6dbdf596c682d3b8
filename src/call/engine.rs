//! What the tasks of one run share: settings, the client pool, the token cache, and the
//! count of themselves that a shutdown waits on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::configs::Configs;
use super::lock;
use crate::config::Config;
use crate::credentials::{Means, TokenCache};
use crate::error::Error;
use crate::provider::Provider;
use crate::settings::Settings;
use crate::transport::{EnvironmentProxies, Lanes, Pool};

/// Everything that lasts from a start of the library to its shutdown, but for the threads.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) settings: Arc<Settings>,
    /// The clients of the library's threads.
    pub(super) pool: Arc<Pool>,
    /// The clients of callers that wait.
    pub(super) lanes: Arc<Lanes>,
    /// The library's threads.
    pub(super) threads: Handle,
    pub(super) configs: Configs,
    tokens: Arc<TokenCache>,
    default_http_timeout_ms: Arc<AtomicU64>,
    load: Mutex<Load>,
    quiet: Condvar,
}

/// What runs.
#[derive(Debug, Default)]
pub(super) struct Load {
    tasks: usize,
    /// Tasks on the host's threads that wait while the host does something of its own.
    away: usize,
    /// Threads that wait for it to go down.
    waiting: usize,
}

impl Load {
    pub(super) fn is_none(&self) -> bool {
        self.tasks == 0
    }

    pub(super) fn is_with_hosts(&self) -> bool {
        self.tasks == self.away
    }
}

/// A task of the host's thread, while that thread is with the host.
pub(super) struct Away<'a>(&'a Engine);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        lock(&self.0.load).away -= 1;
    }
}

/// What an engine counts, as `modelwire_stats` shows it.
#[derive(Debug, Default)]
pub(super) struct EngineStats {
    pub(super) connections: Map<String, Value>,
    pub(super) tokens: Map<String, Value>,
}

impl Engine {
    /// An engine that has done nothing yet. `default_http_timeout_ms` is shared with the
    /// library, which may change it at any time; 0 takes the settings' value.
    pub(super) fn new(
        settings: Settings,
        environment: EnvironmentProxies,
        default_http_timeout_ms: Arc<AtomicU64>,
        threads: Handle,
    ) -> Engine {
        let settings = Arc::new(settings);
        let pool = Arc::new(Pool::new(settings.clone(), environment, threads.clone()));
        Engine {
            lanes: Lanes::new(pool.clone(), threads.clone(), &settings),
            pool,
            threads,
            configs: Configs::default(),
            tokens: Arc::default(),
            settings,
            default_http_timeout_ms,
            load: Mutex::default(),
            quiet: Condvar::new(),
        }
    }

    /// What getting credentials may use.
    ///
    /// # Errors
    /// `Config` when the config's transport cannot be used.
    pub(super) fn means(
        &self,
        provider: &'static dyn Provider,
        config: &Config,
    ) -> Result<Means, Error> {
        Ok(Means {
            client: self.pool.client(provider.name(), config)?,
            deadline: self.settings.probe_timeout,
            cache: self.tokens.clone(),
        })
    }

    /// The total deadline of a unary call that names none.
    pub(super) fn unary_timeout(&self) -> Duration {
        match self.default_http_timeout_ms.load(Ordering::Relaxed) {
            0 => self.settings.default_http_timeout,
            ms => Duration::from_millis(ms),
        }
    }

    pub(super) fn task_began(&self) {
        lock(&self.load).tasks += 1;
    }

    pub(super) fn task_ended(&self) {
        self.change(|load| load.tasks -= 1);
    }

    /// This thread's task waits until the guard is dropped.
    pub(super) fn leave(&self) -> Away<'_> {
        self.change(|load| load.away += 1);
        Away(self)
    }

    /// Waits until `quiet` says that enough ended; false when `limit` passed first.
    pub(super) fn quiet_within(&self, limit: Duration, quiet: impl Fn(&Load) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        let mut load = lock(&self.load);
        load.waiting += 1;
        while !quiet(&load) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.quiet.wait_timeout(load, left);
            load = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        load.waiting -= 1;
        quiet(&load)
    }

    fn change(&self, change: impl FnOnce(&mut Load)) {
        let mut load = lock(&self.load);
        change(&mut load);
        if load.waiting > 0 {
            self.quiet.notify_all();
        }
    }

    pub(super) fn stats(&self) -> EngineStats {
        let of_provider = |(provider, pool): (&str, crate::transport::PoolStats)| {
            let counts = json!({"opened": pool.opened, "reused": pool.reused});
            (provider.to_owned(), counts)
        };
        let tokens = self.tokens.stats();
        EngineStats {
            connections: self.pool.stats().into_iter().map(of_provider).collect(),
            tokens: Map::from_iter([
                ("entries".to_owned(), tokens.entries.into()),
                ("refreshes".to_owned(), tokens.refreshes.into()),
            ]),
        }
    }
}
