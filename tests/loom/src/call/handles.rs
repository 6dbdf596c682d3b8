//! The registry: a handle names one thing, once.

use std::sync::Arc;

use loom::thread;

use super::check;
use super::registry::{Kind, Registry};
use crate::error::Error;

#[test]
fn of_two_that_remove_one_handle_one_gets_the_thing() {
    check(3, || {
        let registry = Arc::new(Registry::new(Kind::Call, 0));
        let handle = registry.insert(Arc::new("it"));
        let other = registry.clone();
        let remover = thread::spawn(move || other.remove(handle).is_ok());
        let seen = registry.get(handle);
        let here = registry.remove(handle).is_ok();
        let there = remover.join().expect("no panic");
        assert!(here ^ there);
        assert!(matches!(seen.as_deref(), Ok(&"it") | Err(Error::Handle)));
        assert_eq!(registry.get(handle), Err(Error::Handle));
        assert_eq!(registry.len(), 0);
    });
}

#[test]
fn a_stale_handle_never_names_what_took_its_slot() {
    check(3, || {
        let registry = Arc::new(Registry::new(Kind::Call, 0));
        let stale = registry.insert(Arc::new("old"));
        let other = registry.clone();
        let reuse = thread::spawn(move || {
            let _ = other.remove(stale);
            // Slots are given out in turn: one of these is the old one.
            let new: Vec<u64> = (0..16).map(|_| other.insert(Arc::new("new"))).collect();
            assert!(new.iter().any(|handle| same_slot(*handle, stale)));
            assert!(!new.contains(&stale));
        });
        let seen = registry.get(stale);
        assert!(matches!(seen.as_deref(), Ok(&"old") | Err(Error::Handle)));
        assert_ne!(registry.remove(stale).as_deref(), Ok(&"new"));
        reuse.join().expect("no panic");
        assert_eq!(registry.len(), 16);
    });
}

fn same_slot(one: u64, other: u64) -> bool {
    one >> 32 == other >> 32
}
