//! A Rust static library that knows nothing of modelwire: it brings a copy of the standard
//! library, with threads, thread locals, a panic that is caught and a panic hook of its own.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

thread_local!(static SEEN: Cell<u32> = const { Cell::new(0) });

static HOOKED: AtomicU32 = AtomicU32::new(0);

/// 73: seven keys were counted, on a thread, and three panics caught.
#[unsafe(no_mangle)]
pub extern "C" fn second_answer() -> u32 {
    panic::set_hook(Box::new(|_| {
        HOOKED.fetch_add(1, Ordering::Relaxed);
    }));
    let count = || {
        let mut words: HashMap<String, u32> = HashMap::new();
        for number in 0..100 {
            *words.entry(format!("key {}", number % 7)).or_default() += 1;
            SEEN.set(SEEN.get() + 1);
        }
        words.len() as u32
    };
    let keys = thread::spawn(count).join().unwrap_or(0);
    for round in 0..3 {
        if panic::catch_unwind(|| panic!("round {round}")).is_ok() || SEEN.get() != 0 {
            return 0;
        }
    }
    keys * 10 + HOOKED.load(Ordering::Relaxed)
}
