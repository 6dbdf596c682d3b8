//! A stand-in for the providers on loopback, for demos and for the tests of every binding.
//!
//! ```text
//! upstream [--port N] [--until-eof] [--exit-with-parent]
//! ```
//!
//! It prints one line, `listening on http://127.0.0.1:PORT`, and has two faces. On the
//! providers' own paths it answers as they would and repeats what the user said
//! (`plausible`). Under `/s/{id}/` it replays, byte for byte, the script that was put at
//! `/__scripts/{id}` (`scripted`). `GET /__health` answers 200.

mod plausible;
mod scripted;
mod steps;
#[path = "../../tests/support/upstream/mod.rs"]
mod upstream;

use scripted::Scripts;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use upstream::{Received, Script, Step, Upstream, json};

const USAGE: &str = "usage: upstream [--port N] [--until-eof] [--exit-with-parent]
  --port N            port on 127.0.0.1; 0, the default, picks a free one
  --until-eof         end when standard input ends
  --exit-with-parent  end when the parent process ends (Unix)";

#[derive(Default)]
struct Options {
    port: u16,
    until_eof: bool,
    with_parent: bool,
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("upstream: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--port" => options.port = args.next()?.parse().ok()?,
            "--until-eof" => options.until_eof = true,
            "--exit-with-parent" if cfg!(unix) => options.with_parent = true,
            _ => return None,
        }
    }
    Some(options)
}

fn run(options: &Options) -> io::Result<()> {
    // Before anything else, so that a parent that ends early is noticed.
    let (end, ended) = mpsc::channel();
    if options.with_parent {
        end_with_parent(end.clone());
    }
    let upstream = Upstream::start_on(options.port, script())?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", upstream.url())?;
    stdout.flush()?;
    if options.until_eof {
        end_at_eof(end.clone());
    }
    // `end` lives on, so without a reason to end this waits for a signal.
    let _ = ended.recv();
    Ok(())
}

fn script() -> Script {
    let scripts = Arc::new(Scripts::default());
    let early = scripts.clone();
    Script::new(move |request| answer(&scripts, request))
        .before_body_if(move |head| early.replies_before_body(head))
        .forgetful()
}

fn answer(scripts: &Scripts, request: &Received) -> Vec<Step> {
    let path = request.path();
    if path == "/__health" {
        return json(r#"{"status":"ok"}"#);
    }
    if path.starts_with("/__scripts/") {
        return scripts.control(request);
    }
    if path.starts_with("/s/") {
        return scripts.replay(request);
    }
    plausible::answer(request)
}

fn end_at_eof(end: mpsc::Sender<()>) {
    thread::spawn(move || {
        let mut ignored = [0; 1024];
        while io::stdin().read(&mut ignored).is_ok_and(|n| n > 0) {}
        let _ = end.send(());
    });
}

#[cfg(unix)]
fn end_with_parent(end: mpsc::Sender<()>) {
    use std::os::unix::process::parent_id;
    let parent = parent_id();
    thread::spawn(move || {
        while parent_id() == parent {
            thread::sleep(std::time::Duration::from_millis(200));
        }
        let _ = end.send(());
    });
}

#[cfg(not(unix))]
fn end_with_parent(_end: mpsc::Sender<()>) {}
