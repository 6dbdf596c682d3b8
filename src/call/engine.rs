//! What the tasks of one run share: settings, the client pool, the token cache, and the
//! count of themselves that a shutdown waits on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::lock;
use crate::config::Config;
use crate::credentials::{Means, TokenCache};
use crate::error::Error;
use crate::provider::Provider;
use crate::settings::Settings;
use crate::transport::{Client, EnvironmentProxies, Pool};

/// Everything that lasts from a start of the library to its shutdown, but for the threads.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) settings: Arc<Settings>,
    pool: Pool,
    tokens: Arc<TokenCache>,
    default_http_timeout_ms: Arc<AtomicU64>,
    tasks: Mutex<usize>,
    quiet: Condvar,
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
    ///
    /// # Errors
    /// `Error::Config` naming the option that cannot be used.
    pub(super) fn new(
        settings: Settings,
        default_http_timeout_ms: Arc<AtomicU64>,
    ) -> Result<Engine, Error> {
        let settings = Arc::new(settings);
        let pool = Pool::new(settings.clone(), EnvironmentProxies::read());
        pool.check()?;
        Ok(Engine {
            pool,
            tokens: Arc::default(),
            settings,
            default_http_timeout_ms,
            tasks: Mutex::new(0),
            quiet: Condvar::new(),
        })
    }

    /// The client for calls with this config.
    pub(super) fn client(
        &self,
        provider: &'static dyn Provider,
        config: &Config,
    ) -> Result<Arc<Client>, Error> {
        self.pool
            .client(provider.name(), &config.transport, config.timeouts.connect)
    }

    /// What getting credentials may use.
    pub(super) fn means(&self, client: Arc<Client>) -> Means {
        Means {
            client,
            deadline: self.settings.probe_timeout,
            cache: self.tokens.clone(),
        }
    }

    /// The total deadline of a unary call that names none.
    pub(super) fn unary_timeout(&self) -> Duration {
        match self.default_http_timeout_ms.load(Ordering::Relaxed) {
            0 => self.settings.default_http_timeout,
            ms => Duration::from_millis(ms),
        }
    }

    pub(super) fn task_began(&self) {
        *lock(&self.tasks) += 1;
    }

    pub(super) fn task_ended(&self) {
        let mut tasks = lock(&self.tasks);
        *tasks -= 1;
        if *tasks == 0 {
            self.quiet.notify_all();
        }
    }

    /// Waits until no task runs; false when `limit` passed first.
    pub(super) fn quiet_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut tasks = lock(&self.tasks);
        while *tasks > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.quiet.wait_timeout(tasks, left);
            tasks = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
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
