//! Handles. What is alive is named by a number that carries a generation, so a number that
//! is stale, freed or invented is recognised as such and nothing is ever reached through
//! it. The number also says which kind it names and, since a child after `fork()` counts
//! anew, whether it was made before the fork.
//!
//! ```text
//! bit 63      62..56   55..32   31..0
//! kind        epoch    slot     generation (never 0)
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::lock;
use super::sync::{AtomicUsize, Mutex};
use crate::error::Error;

/// What a handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call.
    Call = 0,
    /// A poller.
    Poller = 1,
}

/// Everything alive of one kind.
#[derive(Debug)]
pub struct Registry<T> {
    kind: Kind,
    epoch: u8,
    shards: [Mutex<Shard<T>>; SHARDS],
    next_shard: AtomicUsize,
    alive: AtomicUsize,
}

#[derive(Debug)]
struct Shard<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<Arc<T>>,
}

/// Threads that start and finish calls at once rarely meet at one lock.
const SHARDS: usize = 16;
const SLOT_BITS: u32 = 24;
const EPOCHS: u8 = 128;

impl<T> Registry<T> {
    /// An empty registry for the `epoch`-th process after a fork.
    pub fn new(kind: Kind, epoch: u8) -> Registry<T> {
        Registry {
            kind,
            epoch: epoch % EPOCHS,
            shards: std::array::from_fn(|_| {
                Mutex::new(Shard {
                    slots: Vec::new(),
                    free: Vec::new(),
                })
            }),
            next_shard: AtomicUsize::new(0),
            alive: AtomicUsize::new(0),
        }
    }

    /// Keeps `value` alive and names it.
    pub fn insert(&self, value: Arc<T>) -> u64 {
        let shard_at = self.next_shard.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let mut shard = lock(&self.shards[shard_at]);
        let at = match shard.free.pop() {
            Some(at) => at,
            None => {
                shard.slots.push(Slot {
                    generation: 0,
                    value: None,
                });
                (shard.slots.len() - 1) as u32
            }
        };
        let slot = &mut shard.slots[at as usize];
        slot.generation = slot.generation.wrapping_add(1).max(1);
        slot.value = Some(value);
        self.alive.fetch_add(1, Ordering::Relaxed);
        self.handle(at * SHARDS as u32 + shard_at as u32, slot.generation)
    }

    /// What `handle` names.
    ///
    /// # Errors
    /// `Forked` for a handle of before the fork, `Handle` for anything else that names
    /// nothing alive.
    pub fn get(&self, handle: u64) -> Result<Arc<T>, Error> {
        let (shard, at, generation) = self.place(handle)?;
        let shard = lock(&self.shards[shard]);
        let slot = shard
            .slots
            .get(at)
            .filter(|slot| slot.generation == generation);
        slot.and_then(|slot| slot.value.clone())
            .ok_or(Error::Handle)
    }

    /// Forgets what `handle` names and hands it over.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn remove(&self, handle: u64) -> Result<Arc<T>, Error> {
        let (shard, at, generation) = self.place(handle)?;
        let mut shard = lock(&self.shards[shard]);
        let slot = shard
            .slots
            .get_mut(at)
            .filter(|slot| slot.generation == generation);
        let value = slot
            .and_then(|slot| slot.value.take())
            .ok_or(Error::Handle)?;
        shard.free.push(at as u32);
        self.alive.fetch_sub(1, Ordering::Relaxed);
        Ok(value)
    }

    /// Everything alive now.
    pub fn all(&self) -> Vec<Arc<T>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            all.extend(shard.slots.iter().filter_map(|slot| slot.value.clone()));
        }
        all
    }

    /// How many are alive.
    pub fn len(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }

    fn handle(&self, slot: u32, generation: u32) -> u64 {
        let (kind, epoch) = (self.kind as u64, u64::from(self.epoch));
        kind << 63 | epoch << 56 | u64::from(slot) << 32 | u64::from(generation)
    }

    fn place(&self, handle: u64) -> Result<(usize, usize, u32), Error> {
        let generation = handle as u32;
        if generation == 0 || handle >> 63 != self.kind as u64 {
            return Err(Error::Handle);
        }
        let epoch = (handle >> 56) as u8 % EPOCHS;
        if epoch != self.epoch {
            let earlier = epoch < self.epoch;
            return Err(if earlier {
                Error::Forked
            } else {
                Error::Handle
            });
        }
        let slot = (handle >> 32) as usize & ((1 << SLOT_BITS) - 1);
        Ok((slot % SHARDS, slot / SHARDS, generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_one_thing_once() {
        let registry = Registry::new(Kind::Call, 0);
        let first = registry.insert(Arc::new("first"));
        assert_eq!(registry.get(first).as_deref(), Ok(&"first"));
        assert_eq!(registry.remove(first).as_deref(), Ok(&"first"));
        assert_eq!(registry.remove(first), Err(Error::Handle));
        // The slot is used again in the end, under another number.
        let later: Vec<_> = (0..64)
            .map(|_| registry.insert(Arc::new("later")))
            .collect();
        assert!(!later.contains(&first));
        assert_eq!(registry.get(first), Err(Error::Handle));
        assert_eq!(registry.len(), 64);
    }

    #[test]
    fn an_invented_handle_names_nothing() {
        let registry = Registry::new(Kind::Call, 0);
        let real = registry.insert(Arc::new(()));
        for handle in [0, u64::MAX, real ^ 1, real ^ (1 << 40), real | (1 << 63)] {
            assert_eq!(registry.get(handle), Err(Error::Handle), "{handle:x}");
        }
    }

    #[test]
    fn a_handle_from_before_the_fork_is_told_apart() {
        let parent = Registry::new(Kind::Poller, 0);
        let child = Registry::<()>::new(Kind::Poller, 1);
        assert_eq!(child.get(parent.insert(Arc::new(()))), Err(Error::Forked));
    }
}
