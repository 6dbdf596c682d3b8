//! A cache for what a cloud lends for a while: tokens and temporary keys. Many calls that
//! want the same one cause one fetch; a value is renewed before it ends, in the background
//! of calls that still use the old one; and no call that goes away takes a fetch down with
//! it, since each runs as a task of its own.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::error::Error;

/// The most entries one cache holds.
pub const MAX_ENTRIES: usize = 256;

/// A failed renewal is not tried again before this has passed. First fetches that fail are
/// not remembered at all: the next call tries anew.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Values of one kind, each under the hash of everything it was made from.
pub struct Cache<V> {
    shared: Arc<Shared<V>>,
}

/// What a fetch brings: the value, and how long it is good from now on.
#[derive(Debug)]
pub struct Lease<V> {
    /// The value.
    pub value: V,
    /// Zero for a value that serves the calls that wait for it and no later one.
    pub lifetime: Duration,
}

/// The SHA-256 of a value's inputs; they cannot be read back from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// What `modelwire_stats` shows of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Values held, and fetches under way.
    pub entries: usize,
    /// Fetches begun since the library started, first ones and renewals.
    pub refreshes: u64,
}

impl std::ops::Add for CacheStats {
    type Output = CacheStats;

    fn add(self, other: CacheStats) -> CacheStats {
        CacheStats {
            entries: self.entries + other.entries,
            refreshes: self.refreshes + other.refreshes,
        }
    }
}

struct Shared<V> {
    entries: Mutex<Entries<V>>,
}

struct Entries<V> {
    map: HashMap<Key, Entry<V>>,
    /// Counts look-ups, to tell which entry was used last.
    clock: u64,
    refreshes: u64,
}

struct Entry<V> {
    held: Option<Held<V>>,
    fetch: Option<Fetch<V>>,
    retry_at: Option<Instant>,
    used: u64,
}

struct Held<V> {
    value: Arc<V>,
    lifetime: Duration,
    since: Instant,
    /// A monotonic clock may stand still while the machine sleeps.
    since_wall: SystemTime,
}

/// Becomes `Some` with the outcome; closes without one if the fetch panicked.
type Fetch<V> = watch::Receiver<Option<Outcome<V>>>;
type Outcome<V> = Result<Arc<V>, Error>;

enum Found<V> {
    Ready(Arc<V>),
    Awaited(Fetch<V>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Fresh,
    /// Good, and due for renewal.
    Due,
    Over,
}

impl<V: Send + Sync + 'static> Cache<V> {
    /// The value under `key`, from `fetch` where there is none. Must be called on the
    /// library's runtime; `fetch` becomes a task there, so dropping this future leaves it
    /// running for everybody else who waits.
    ///
    /// # Errors
    /// What `fetch` failed with; a renewal's failure is not seen while the old value is good.
    pub async fn get<F>(&self, key: Key, fetch: impl FnOnce() -> F) -> Result<Arc<V>, Error>
    where
        F: Future<Output = Result<Lease<V>, Error>> + Send + 'static,
    {
        let mut waiting = match self.find(key, fetch) {
            Found::Ready(value) => return Ok(value),
            Found::Awaited(waiting) => waiting,
        };
        let outcome = waiting.wait_for(Option::is_some).await;
        match outcome.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(Error::Panic(
                "fetching credentials ended without an outcome".into(),
            )),
        }
    }

    /// How full the cache is and what it did.
    pub fn stats(&self) -> CacheStats {
        let entries = self.shared.lock();
        CacheStats {
            entries: entries.map.len(),
            refreshes: entries.refreshes,
        }
    }

    fn find<F>(&self, key: Key, fetch: impl FnOnce() -> F) -> Found<V>
    where
        F: Future<Output = Result<Lease<V>, Error>> + Send + 'static,
    {
        let mut entries = self.shared.lock();
        let now = Instant::now();
        let entry = entries.entry(key, now);
        let (stage, value) = match &entry.held {
            Some(held) => (held.stage(now), Some(held.value.clone())),
            None => (Stage::Over, None),
        };
        if let (Stage::Fresh, Some(value)) = (stage, &value) {
            return Found::Ready(value.clone());
        }
        let good = value.filter(|_| stage == Stage::Due);
        if let Some(under_way) = entry.under_way() {
            return good.map_or(Found::Awaited(under_way), Found::Ready);
        }
        if let Some(value) = &good
            && entry.retry_at.is_some_and(|at| now < at)
        {
            return Found::Ready(value.clone());
        }
        let (sender, receiver) = watch::channel(None);
        entry.fetch = Some(receiver.clone());
        entries.refreshes += 1;
        tokio::spawn(run(self.shared.clone(), key, fetch(), sender));
        good.map_or(Found::Awaited(receiver), Found::Ready)
    }
}

async fn run<V: Send + Sync + 'static>(
    shared: Arc<Shared<V>>,
    key: Key,
    fetch: impl Future<Output = Result<Lease<V>, Error>> + Send,
    sender: watch::Sender<Option<Outcome<V>>>,
) {
    let outcome = fetch.await.map(|lease| shared.keep(key, lease));
    if outcome.is_err() {
        shared.note_failure(key);
    }
    sender.send_replace(Some(outcome));
}

impl<V> Shared<V> {
    fn keep(&self, key: Key, lease: Lease<V>) -> Arc<V> {
        let value = Arc::new(lease.value);
        let mut entries = self.lock();
        let now = Instant::now();
        // An entry that was evicted meanwhile stays so.
        if let Some(entry) = entries.map.get_mut(&key) {
            entry.fetch = None;
            entry.retry_at = None;
            entry.held = Some(Held {
                value: value.clone(),
                lifetime: lease.lifetime,
                since: now,
                since_wall: SystemTime::now(),
            });
        }
        entries.drop_ended(now);
        value
    }

    fn note_failure(&self, key: Key) {
        let mut entries = self.lock();
        let now = Instant::now();
        if let Some(entry) = entries.map.get_mut(&key) {
            entry.fetch = None;
            entry.retry_at = Some(now + RETRY_AFTER);
        }
        entries.drop_ended(now);
    }

    /// Nothing that runs under this lock can leave the entries half-way.
    fn lock(&self) -> MutexGuard<'_, Entries<V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Entries<V> {
    /// The entry of `key`, marked as used; room is made for a new one.
    fn entry(&mut self, key: Key, now: Instant) -> &mut Entry<V> {
        if self.map.len() >= MAX_ENTRIES && !self.map.contains_key(&key) {
            self.drop_ended(now);
            while self.map.len() >= MAX_ENTRIES && self.drop_least_recently_used() {}
        }
        self.clock += 1;
        let entry = self.map.entry(key).or_insert(Entry {
            held: None,
            fetch: None,
            retry_at: None,
            used: 0,
        });
        entry.used = self.clock;
        entry
    }

    fn drop_ended(&mut self, now: Instant) {
        self.map.retain(|_, entry| {
            let good = |held: &Held<V>| held.stage(now) != Stage::Over;
            entry.under_way().is_some() || entry.held.as_ref().is_some_and(good)
        });
    }

    /// Calls that wait for a dropped entry's fetch still get its outcome.
    fn drop_least_recently_used(&mut self) -> bool {
        let order = |entry: &Entry<V>| (entry.fetch.is_some(), entry.used);
        let oldest = self.map.iter().min_by_key(|(_, entry)| order(entry));
        let Some(key) = oldest.map(|(key, _)| *key) else {
            return false;
        };
        self.map.remove(&key).is_some()
    }
}

impl<V> Entry<V> {
    fn under_way(&self) -> Option<Fetch<V>> {
        let alive = |fetch: &&Fetch<V>| fetch.has_changed().is_ok();
        self.fetch.as_ref().filter(alive).cloned()
    }
}

impl<V> Held<V> {
    fn stage(&self, now: Instant) -> Stage {
        let asleep_or_awake = self.since_wall.elapsed().unwrap_or_default();
        let age = now
            .saturating_duration_since(self.since)
            .max(asleep_or_awake);
        stage(age, self.lifetime)
    }
}

/// A value is renewed five minutes before its end, a short-lived one in the last fifth of
/// its life, and is not sent out so late that it could end on its way.
fn stage(age: Duration, lifetime: Duration) -> Stage {
    const AHEAD: Duration = Duration::from_secs(5 * 60);
    const SHORT: Duration = Duration::from_secs(10 * 60);
    const TRAVEL: Duration = Duration::from_secs(10);
    let ahead = if lifetime < SHORT {
        lifetime / 5
    } else {
        AHEAD
    };
    let travel = TRAVEL.min(lifetime / 10);
    if age >= lifetime.saturating_sub(travel) {
        return Stage::Over;
    }
    if age >= lifetime.saturating_sub(ahead) {
        return Stage::Due;
    }
    Stage::Fresh
}

impl Key {
    /// The key of a value made from `inputs`: derive `Hash` on whatever describes how to
    /// fetch it, and no input can be forgotten. `kind` keeps apart what looks alike.
    pub fn of(kind: &str, inputs: &impl Hash) -> Key {
        let mut digest = Sha256(Context::new(&SHA256));
        kind.hash(&mut digest);
        inputs.hash(&mut digest);
        let mut key = [0; 32];
        key.copy_from_slice(digest.0.finish().as_ref());
        Key(key)
    }
}

/// `Hash` implementations write unambiguously: strings with an end mark, lists with their
/// length, variants with their number.
struct Sha256(Context);

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// A 64-bit digest of what was written; [`Key::of`] takes all 256 bits instead.
    fn finish(&self) -> u64 {
        let digest = self.0.clone().finish();
        let first = digest.as_ref().iter().take(8);
        first.fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}

impl<V> Default for Cache<V> {
    fn default() -> Cache<V> {
        let entries = Mutex::new(Entries {
            map: HashMap::new(),
            clock: 0,
            refreshes: 0,
        });
        Cache {
            shared: Arc::new(Shared { entries }),
        }
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.shared.lock().map.len();
        f.debug_struct("Cache").field("entries", &entries).finish()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests;
