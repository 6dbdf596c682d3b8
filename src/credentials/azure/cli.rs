//! The Azure CLI, where a developer is logged in. It runs as a child without our input,
//! output or errors. The standard library's processes are used, not the runtime's: those
//! would install a SIGCHLD handler, and signals belong to the host.

use std::io::Read;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::default::Miss;
use super::{Hints, Scope};
use crate::credentials::cache::Lease;
use crate::credentials::exchange::{Token, parse_token};

const PROGRAM: &str = if cfg!(windows) { "az.cmd" } else { "az" };

const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;

/// How often an `az` that has closed its output is asked whether it has ended.
const END_POLL: Duration = Duration::from_millis(10);

/// The token of the login, with `deadline` for the whole run.
///
/// # Errors
/// `Absent` always: the CLI is the last resort.
pub async fn token(hints: &Hints, scope: &Scope, deadline: Duration) -> Result<Lease<Token>, Miss> {
    let mut child = Running::start(hints, scope).ok_or(Miss::Absent("az is not installed"))?;
    let output = timeout(deadline, child.output()).await;
    let Ok(output) = output else {
        return Err(Miss::Absent("az did not answer in time"));
    };
    let failed = Miss::Absent("az gave no token; run az login");
    output
        .as_deref()
        .and_then(|json| parse_token(json))
        .ok_or(failed)
}

/// An `az` that does not outlive its caller.
struct Running {
    child: Child,
    output: Option<ChildStdout>,
    ended: bool,
}

impl Running {
    fn start(hints: &Hints, scope: &Scope) -> Option<Running> {
        let mut command = Command::new(PROGRAM);
        command
            .args(["account", "get-access-token", "--output", "json"])
            .args(["--scope", scope.as_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(tenant) = &hints.tenant_id {
            command.args(["--tenant", tenant.0.as_str()]);
        }
        own_group(&mut command);
        let mut child = command.spawn().ok()?;
        Some(Running {
            output: child.stdout.take(),
            child,
            ended: false,
        })
    }

    /// What it wrote, if it ended well.
    async fn output(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let pipe = self.output.take()?;
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            pipe.take(MAX_OUTPUT_BYTES)
                .read_to_end(&mut bytes)
                .map(|_| bytes)
        });
        let bytes = reading.await.ok()?.ok()?;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.ended = true;
                    return status.success().then_some(bytes);
                }
                Ok(None) => sleep(END_POLL).await,
                // The host collects its children itself; then the output has to speak.
                Err(_) => {
                    self.ended = true;
                    return Some(bytes);
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        kill_group(&mut self.child);
        let _ = self.child.wait(); // killed, so this is no wait to speak of
    }
}

/// `az` is a script that starts another program: both are killed as one group. It also
/// keeps a terminal's Ctrl-C, meant for the host, from them.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn kill_group(child: &mut Child) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    // Not collected yet, so the number is still this child's.
    if let Ok(id) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
    }
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

#[cfg(not(unix))]
fn kill_group(child: &mut Child) {
    let _ = child.kill();
}
