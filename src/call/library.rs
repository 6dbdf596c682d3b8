//! The library as one object: everything alive, and the engine and runtime that drive it,
//! from the first operation (or init) to shutdown, and again from there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::configs::Configs;
use super::engine::{Engine, EngineStats, Load};
use super::notices;
use super::operation::Operation;
use super::outcome::Outcome;
use super::poller::Poller;
use super::registry::{Kind, Registry};
use super::state::{Call, Cancel};
use super::task::{Job, Promise, prepare, run};
use crate::error::Error;
use crate::probe::{Stage, Verdict};
use crate::provider;
use crate::settings::{MAX_REQUEST_BYTES, Settings};
use crate::transport::{EnvironmentProxies, Pool, Runtime};

/// Everything one process has of the library.
#[derive(Debug)]
pub struct Library {
    calls: Registry<Call>,
    pollers: Registry<Poller>,
    state: RwLock<State>,
    /// What `set_default_http_timeout` last said, in ms; 0: nothing.
    default_http_timeout_ms: Arc<AtomicU64>,
}

#[derive(Debug)]
enum State {
    Idle,
    Running {
        engine: Arc<Engine>,
        runtime: Runtime,
    },
    Stopping,
}

/// One operation as a host starts it.
#[derive(Debug)]
pub struct Start<'a> {
    /// What to do.
    pub operation: Operation,
    /// With which provider.
    pub provider: &'a str,
    /// The config's bytes.
    pub config: Vec<u8>,
    /// The request's bytes.
    pub request: Bytes,
}

/// A call that was just made, and the work that is to end it unless it is over already.
pub(super) struct Begun {
    pub(super) handle: u64,
    pub(super) call: Arc<Call>,
    pub(super) work: Option<Work>,
}

/// An operation that nobody does yet.
pub(super) struct Work {
    pub(super) engine: Arc<Engine>,
    threads: Handle,
    pub(super) promise: Promise,
    pub(super) job: Job,
}

impl Work {
    /// Leaves it to the library's threads.
    pub(super) fn spawn(self) {
        let pool = self.engine.pool.clone();
        self.threads.spawn(run(self.promise, self.job, pool));
    }
}

/// After cancelled calls, the resolver's threads may need this long.
const STOP_LIMIT: Duration = Duration::from_secs(10);

impl Library {
    /// A library that has not begun. `epoch` counts the forks before it.
    pub fn new(epoch: u8) -> Library {
        Library {
            calls: Registry::new(Kind::Call, epoch),
            pollers: Registry::new(Kind::Poller, epoch),
            state: RwLock::new(State::Idle),
            default_http_timeout_ms: Arc::default(),
        }
    }

    // ---- start and stop ----

    /// Starts the runtime with these options.
    ///
    /// # Errors
    /// `Config` naming the option, `Argument` when it runs already, `Shutdown` while it
    /// stops or when the system gives no threads.
    pub fn init(&self, options: &[u8]) -> Result<(), Error> {
        let settings = Settings::parse(options)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Running { .. } => Err(Error::Argument(
                "the library runs already; init comes before the first operation".into(),
            )),
            State::Stopping => Err(shutting_down()),
            State::Idle => {
                self.default_http_timeout_ms.store(0, Ordering::Relaxed);
                *state = self.engine(settings)?;
                Ok(())
            }
        }
    }

    /// Refuses new operations, gives those that run `grace`, cancels the rest, joins every
    /// thread. A later operation starts afresh.
    ///
    /// # Errors
    /// `Shutdown` when another thread shuts down already.
    pub fn shutdown(&self, grace: Duration) -> Result<(), Error> {
        let stopping = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            match *state {
                State::Idle => return Ok(()),
                State::Stopping => return Err(shutting_down()),
                State::Running { .. } => std::mem::replace(&mut *state, State::Stopping),
            }
        };
        if let State::Running { engine, runtime } = stopping {
            if !engine.quiet_within(grace, Load::is_none) {
                for call in self.calls.all() {
                    call.cancel(Cancel::Shutdown);
                }
                engine.quiet_within(STOP_LIMIT, Load::is_with_hosts);
            }
            engine.lanes.close();
            drop(engine);
            runtime.stop(STOP_LIMIT);
        }
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State::Idle;
        Ok(())
    }

    /// The total deadline of unary calls from now on; zero changes nothing.
    pub fn set_default_http_timeout(&self, timeout_ms: u64) {
        if timeout_ms > 0 {
            self.default_http_timeout_ms
                .store(timeout_ms, Ordering::Relaxed);
        }
    }

    // ---- calls ----

    /// Starts an operation. It never fails: what is wrong is the outcome of the call.
    pub fn start(&self, start: Result<Start<'_>, Outcome>, poller: u64, token: u64) -> u64 {
        let link = match poller {
            0 => Ok(None),
            handle => self.pollers.get(handle).map(|poller| Some((poller, token))),
        };
        match (start, link) {
            (Err(outcome), link) => self.ended(outcome, link.unwrap_or(None)).handle,
            (Ok(start), Err(error)) => {
                let outcome = Outcome::refused(error, start.provider, Some(start.operation));
                self.ended(outcome, None).handle
            }
            (Ok(start), Ok(link)) => self.spawn(start, link),
        }
    }

    /// The call that `handle` names.
    ///
    /// # Errors
    /// `Handle`, `Forked`.
    pub fn call(&self, handle: u64) -> Result<Arc<Call>, Error> {
        self.calls.get(handle)
    }

    /// Waits for the end of a call, hands the outcome over and frees the call.
    pub fn finish(&self, handle: u64) -> Outcome {
        let finished = self.calls.get(handle).and_then(|call| {
            let outcome = call.finish()?;
            let _ = self.calls.remove(handle);
            Ok(outcome)
        });
        finished.unwrap_or_else(|error| Outcome::refused(error, "", None))
    }

    /// Cancels a call, frees it and waits for nothing.
    ///
    /// # Errors
    /// `Handle`, `Forked`.
    pub fn release(&self, handle: u64) -> Result<(), Error> {
        let call = self.calls.remove(handle)?;
        call.cancel(Cancel::Cancelled);
        call.close();
        Ok(())
    }

    // ---- pollers ----

    /// A poller that follows nothing yet.
    pub fn new_poller(&self) -> u64 {
        self.pollers.insert(Arc::default())
    }

    /// The poller that `handle` names.
    ///
    /// # Errors
    /// `Handle`, `Forked`.
    pub fn poller(&self, handle: u64) -> Result<Arc<Poller>, Error> {
        self.pollers.get(handle)
    }

    /// Frees a poller; whoever waits in it gets `Handle`.
    ///
    /// # Errors
    /// `Handle`, `Forked`.
    pub fn free_poller(&self, handle: u64) -> Result<(), Error> {
        self.pollers.remove(handle)?.close();
        Ok(())
    }

    // ---- what needs no network ----

    /// The request that would be sent, secrets redacted.
    ///
    /// # Errors
    /// As the operation itself before any network.
    pub fn prepare(&self, start: Start<'_>) -> Result<Value, Error> {
        let provider = provider::find(start.provider)?;
        let stream = match start.operation {
            Operation::Completions => false,
            Operation::CompletionsStream => true,
            Operation::TestConnection | Operation::HttpProbe => {
                return Err(Error::Argument("only completions can be prepared".into()));
            }
        };
        let config = Configs::default().read(provider, start.config)?;
        Ok(prepare(provider, &config, start.request, stream)?.describe())
    }

    /// Version, providers, options with their present values and defaults, limits.
    pub fn describe(&self) -> Value {
        let defaults = Settings::default();
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let (running, mut options) = match &*state {
            State::Running { engine, .. } => (true, engine.settings.describe()),
            State::Idle | State::Stopping => (false, defaults.describe()),
        };
        let chosen = self.default_http_timeout_ms.load(Ordering::Relaxed);
        if chosen > 0 {
            options["default_http_timeout_ms"] = chosen.into();
        }
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "abi_version": crate::ABI_VERSION,
            "providers": provider::names().collect::<Vec<_>>(),
            "running": running,
            "options": options,
            "defaults": defaults.describe(),
            "limits": {
                "max_config_bytes": crate::fields::MAX_CONFIG_BYTES,
                "max_request_bytes": MAX_REQUEST_BYTES,
            },
        })
    }

    /// Live calls and pollers, threads, connections opened and reused per provider.
    pub fn stats(&self) -> Value {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let (threads, engine) = match &*state {
            State::Running { engine, runtime } => (runtime.threads(), engine.stats()),
            State::Idle | State::Stopping => (0, EngineStats::default()),
        };
        json!({
            "calls": self.calls.len(),
            "pollers": self.pollers.len(),
            "threads": threads,
            "connections": engine.connections,
            "tokens": engine.tokens,
        })
    }

    // ---- within ----

    fn spawn(&self, start: Start<'_>, link: Option<(Arc<Poller>, u64)>) -> u64 {
        let begun = self.begin(start, link, usize::MAX);
        if let Some(work) = begun.work {
            work.spawn();
        }
        begun.handle
    }

    /// Makes the call, whose mailbox holds no more than `ahead` bytes, or what the settings
    /// allow if that is less.
    pub(super) fn begin(
        &self,
        start: Start<'_>,
        link: Option<(Arc<Poller>, u64)>,
        ahead: usize,
    ) -> Begun {
        let provider = match provider::find(start.provider) {
            Ok(provider) => provider,
            Err(error) => return self.ended(unsupported(error, &start), link),
        };
        let job = Job {
            operation: start.operation,
            provider,
            config: start.config,
            request: start.request,
        };
        loop {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            match &*state {
                State::Running { engine, runtime } => {
                    let ahead = ahead.min(engine.settings.stream_buffer_bytes);
                    let call = Arc::new(Call::new(ahead, link));
                    let handle = self.calls.insert(call.clone());
                    let promise = Promise::new(call.clone(), engine.clone(), &job);
                    let work = Some(Work {
                        engine: engine.clone(),
                        threads: runtime.handle().clone(),
                        promise,
                        job,
                    });
                    return Begun { handle, call, work };
                }
                State::Stopping => {
                    let outcome =
                        Outcome::refused(shutting_down(), start.provider, Some(start.operation));
                    return self.ended(outcome, link);
                }
                State::Idle => {}
            }
            drop(state);
            if let Err(error) = self.start_up() {
                let outcome = Outcome::refused(error, start.provider, Some(start.operation));
                return self.ended(outcome, link);
            }
        }
    }

    /// A call that was waited for is over.
    pub(super) fn forget(&self, handle: u64) {
        let _ = self.calls.remove(handle);
    }

    /// Starts the runtime with defaults, unless another thread just did.
    fn start_up(&self) -> Result<(), Error> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Idle = *state {
            *state = self.engine(Settings::default())?;
        }
        Ok(())
    }

    fn engine(&self, settings: Settings) -> Result<State, Error> {
        let environment = EnvironmentProxies::read();
        Pool::check(&settings.transport, &environment)?;
        let runtime = Runtime::start(settings.worker_threads, notices::begin, notices::deliver)?;
        let timeout = self.default_http_timeout_ms.clone();
        let threads = runtime.handle().clone();
        let engine = Arc::new(Engine::new(settings, environment, timeout, threads));
        Ok(State::Running { engine, runtime })
    }

    /// A call that is over as soon as it is there.
    fn ended(&self, outcome: Outcome, link: Option<(Arc<Poller>, u64)>) -> Begun {
        let call = Arc::new(Call::new(0, link));
        let handle = self.calls.insert(call.clone());
        call.end(Vec::new(), outcome);
        Begun {
            handle,
            call,
            work: None,
        }
    }
}

/// An unsupported provider is an error, and for a probe a verdict as well.
fn unsupported(error: Error, start: &Start<'_>) -> Outcome {
    let verdict = Verdict::failed(Stage::Unsupported, 0, error.to_string());
    let mut outcome = Outcome::refused(error, start.provider, Some(start.operation));
    if start.operation == Operation::TestConnection {
        outcome.body = verdict.to_json().to_string().into();
    }
    outcome
}

fn shutting_down() -> Error {
    Error::Shutdown("the library is shutting down".into())
}
