//! Tests that need a process of their own, and what the system says about this one.

use std::any::type_name;
use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Names the test that this process was started for.
const TEST: &str = "MODELWIRE_LIFE_TEST";
/// What the parent's side told the test's body.
const WORD: &str = "MODELWIRE_LIFE_WORD";

/// Far more than anything here takes; only keeps a failure from hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the body of a test in a process of its own: this test binary, asked for this one
/// test. Call it first and do nothing else in the test.
pub fn alone<F: FnOnce()>(body: F) {
    let name = test_name::<F>();
    if env::var(TEST).as_deref() == Ok(name) {
        return body();
    }
    run(name, "");
}

/// As [`alone`], with a server beside it: `serve` runs in this process, whose threads,
/// memory and descriptors then are not the body's. The body gets the server's word.
pub fn beside<S, V: FnOnce() -> (S, String), F: FnOnce(&str)>(serve: V, body: F) {
    let name = test_name::<F>();
    if env::var(TEST).as_deref() == Ok(name) {
        return body(&env::var(WORD).expect("the parent's word"));
    }
    let (_server, word) = serve();
    run(name, &word);
}

/// The path of the test that made this closure, without the crate.
fn test_name<F>() -> &'static str {
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").expect("a path").1
}

fn run(name: &str, word: &str) {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(TEST, name)
        .env(WORD, word)
        .stdin(Stdio::null());
    // The test harness's own thread takes no SIGUSR1; the thread of the test may.
    let deaf = || {
        mask_signal(libc::SIG_BLOCK, libc::SIGUSR1);
        Ok(())
    };
    // SAFETY: between fork and exec it calls what may be called there.
    unsafe { command.pre_exec(deaf) };
    let output = command.output().expect("a process");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{name}: {}\n{stdout}\n{stderr}",
        output.status
    );
}

/// Blocks or unblocks one signal on this thread.
pub fn mask_signal(how: i32, signal: i32) {
    // SAFETY: the set lives here and is made empty first.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        assert_eq!(libc::pthread_sigmask(how, &set, std::ptr::null_mut()), 0);
    }
}

/// Waits until `reached`; panics if that does not come.
#[track_caller]
pub fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// One thread of this process.
#[derive(Debug)]
pub struct Thread {
    pub name: String,
    /// The signals it blocks: signal n is bit n - 1.
    pub blocked: u64,
}

/// Every thread of this process.
pub fn threads() -> Vec<Thread> {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc");
    let status = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).ok();
    tasks
        .filter_map(|task| status(task.ok()?))
        .map(|status| thread_of(&status))
        .collect()
}

fn thread_of(status: &str) -> Thread {
    Thread {
        name: field(status, "Name").to_owned(),
        blocked: u64::from_str_radix(field(status, "SigBlk"), 16).expect("a mask"),
    }
}

/// The thread that asks.
pub fn this_thread() -> Thread {
    thread_of(&fs::read_to_string("/proc/thread-self/status").expect("/proc"))
}

/// The threads of the library's runtime.
pub fn runtime_threads() -> Vec<Thread> {
    let mut threads = threads();
    threads.retain(|thread| thread.name.starts_with("modelwire-"));
    threads
}

/// Descriptors this process has open.
pub fn descriptors() -> usize {
    // The listing has one open itself, each time.
    fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// A size of this process in bytes: `VmRSS` now, `VmHWM` at its highest.
pub fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let size = field(&status, name).trim_end_matches(" kB");
    size.parse::<u64>().expect("a size") * 1024
}

/// Lets this process have as many descriptors as the system allows it.
pub fn raise_descriptor_limit(needed: u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a limit that lives here.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max.min(limit.rlim_cur.max(needed));
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    assert!(limit.rlim_cur >= needed, "only {} fds", limit.rlim_cur);
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value
        .unwrap_or_else(|| panic!("no {name} in {status}"))
        .trim()
}
