//! How a client of the benchmark measures itself: as `benches/clients/common.h` does for the
//! C clients, with the same numbers by the same means.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// What anything here gives.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The measure of one run.
#[derive(Debug)]
pub struct Measure {
    held_kb: u64,
    begun: (u64, Instant),
    spent: Option<(u64, u64)>,
    steady: (usize, u64),
    latencies: Vec<Duration>,
    idle_kb: (u64, u64),
}

/// Counts the lines of many streams, and knows the moment from which all of them are open.
#[derive(Debug)]
pub struct Lines {
    streams: usize,
    open: AtomicUsize,
    taken: AtomicUsize,
    all_open: OnceLock<(usize, u64)>,
}

impl Measure {
    /// The program's body is there and nothing else was done.
    pub fn new() -> Measure {
        Measure {
            held_kb: status_kb("VmRSS:").unwrap_or_default(),
            begun: (cpu_us(), Instant::now()),
            spent: None,
            steady: (0, 0),
            latencies: Vec::new(),
            idle_kb: (0, 0),
        }
    }

    /// CPU and wall time count from here.
    pub fn begin(&mut self) {
        self.begun = (cpu_us(), Instant::now());
    }

    /// CPU and wall time count until here, unless until the end.
    pub fn pause(&mut self) {
        let wall_us = self.begun.1.elapsed().as_micros() as u64;
        self.spent = Some((cpu_us() - self.begun.0, wall_us));
    }

    /// All streams ended.
    pub fn steady(&mut self, lines: &Lines) {
        if let Some((taken, cpu)) = lines.all_open.get() {
            self.steady = (lines.taken() - taken, cpu_us() - cpu);
        }
    }

    /// How long one operation took.
    pub fn latency(&mut self, latency: Duration) {
        self.latencies.push(latency);
    }

    /// No stream is open yet.
    pub fn idle_from(&mut self) -> Outcome<()> {
        self.idle_kb.0 = status_kb("VmRSS:")?;
        Ok(())
    }

    /// All streams are open and silent.
    pub fn idle_until(&mut self) -> Outcome<()> {
        self.idle_kb.1 = status_kb("VmRSS:")?;
        Ok(())
    }

    /// Prints everything.
    pub fn end(mut self, ops: usize) -> Outcome<()> {
        if self.spent.is_none() {
            self.pause();
        }
        let (cpu_us, wall_us) = self.spent.unwrap_or_default();
        self.latencies.sort();
        let latency_us = |percent: usize| {
            let at = (self.latencies.len() * percent / 100).min(self.latencies.len() - 1);
            self.latencies[at].as_nanos() as f64 / 1000.0
        };
        let (median, late) = match self.latencies.is_empty() {
            true => (0.0, 0.0),
            false => (latency_us(50), latency_us(99)),
        };
        println!(
            r#"{{"ops":{ops},"cpu_us":{cpu_us},"wall_us":{wall_us},"held_kb":{},"peak_kb":{},"threads":{},"steady_ops":{},"steady_cpu_us":{},"latency_us":{median:.1},"latency_p99_us":{late:.1},"idle_kb":{}}}"#,
            self.held_kb,
            status_kb("VmHWM:")?,
            status_kb("Threads:")?,
            self.steady.0,
            self.steady.1,
            self.idle_kb.1.saturating_sub(self.idle_kb.0),
        );
        Ok(())
    }
}

impl Default for Measure {
    fn default() -> Measure {
        Measure::new()
    }
}

impl Lines {
    /// None yet, of `streams` streams.
    pub fn of(streams: usize) -> Arc<Lines> {
        Arc::new(Lines {
            streams,
            open: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            all_open: OnceLock::new(),
        })
    }

    /// The first lines of one stream are about to be taken.
    pub fn opened(&self) {
        if self.open.fetch_add(1, Ordering::Relaxed) + 1 == self.streams {
            self.all_open.get_or_init(|| (self.taken(), cpu_us()));
        }
    }

    /// More lines of any stream.
    pub fn take(&self, lines: usize) {
        self.taken.fetch_add(lines, Ordering::Relaxed);
    }

    /// Lines of all streams.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// CPU time of this process in microseconds, its ended threads included.
fn cpu_us() -> u64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
        return 0;
    };
    let times = [usage.user_time(), usage.system_time()];
    let microseconds = times.map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    microseconds.iter().sum::<i64>() as u64
}

fn status_kb(field: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let text = line.unwrap_or_default().trim().trim_end_matches(" kB");
    Ok(text.parse()?)
}
