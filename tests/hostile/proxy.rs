//! Proxies that refuse, cut or stall, and what they are told.

use crate::fault::{Fault, KEY, Peer, SOUND, fails, play, runs_out, settled, turn, with};
use crate::support::abi::completions;
use crate::support::upstream::{Script, Step, TlsIdentity, Upstream, json as answer, reply};
use modelwire::ffi::*;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The password of every proxy here. It may go to the proxy and nowhere else.
const PASSWORD: &str = "pw-mark-1f93";

/// A proxy that fails a first CONNECT, and a plain one in its place for the call after it:
/// the second request names an http URL, which the proxy answers itself.
struct Proxied {
    proxy: Upstream,
}

impl Peer for Proxied {
    fn config(&self) -> Value {
        let proxy = format!("http://user:{PASSWORD}@127.0.0.1:{}", self.proxy.port());
        json!({"options": {"base_url": "https://provider.invalid/v1"}, "transport": {"proxy": proxy}})
    }

    fn next_config(&self) -> Value {
        with(
            self.config(),
            json!({"options": {"base_url": "http://provider.invalid/v1"}}),
        )
    }

    fn connections(&self) -> usize {
        self.proxy.connections()
    }

    fn open_connections(&self) -> usize {
        self.proxy.open_connections()
    }
}

fn connect<const N: usize>(name: &'static str, steps: [Step; N]) -> Fault {
    let steps = steps.to_vec();
    Fault::of(name, move || {
        let steps = steps.clone();
        let proxy = Upstream::start(Script::new(move |request| {
            if request.method == "CONNECT" {
                return steps.clone();
            }
            answer(SOUND)
        }));
        Proxied { proxy }
    })
}

fn refuses(status: u16, reason: &str) -> [Step; 2] {
    let [refusal] = reply(status, reason, &[("proxy-authenticate", "Basic")], "no")
        .try_into()
        .ok()
        .expect("one step");
    [refusal, Step::Close]
}

#[test]
fn a_tunnel_that_is_not_made() {
    let broken = || fails(MODELWIRE_E_CONNECT, "send").retryable();
    play(vec![
        connect(
            "the proxy wants other credentials (407)",
            refuses(407, "Proxy Authentication Required"),
        )
        .both(broken()),
        connect(
            "the proxy forbids the tunnel (403)",
            refuses(403, "Forbidden"),
        )
        .both(broken()),
        connect(
            "the proxy cannot reach the provider (502)",
            refuses(502, "Bad Gateway"),
        )
        .both(broken()),
        connect("the proxy closes instead of answering", [Step::Close]).both(broken()),
        connect("the proxy resets instead of answering", [Step::Reset]).both(broken()),
        connect(
            "the proxy does not speak HTTP",
            [Step::send("SSH-2.0-x\r\n\r\n"), Step::Close],
        )
        .both(broken()),
        connect(
            "the proxy sends a head without an end",
            [
                Step::send("HTTP/1.1 200 OK\r\n"),
                Step::Repeat {
                    bytes: b"x-more: more\r\n".to_vec(),
                    times: 100_000,
                },
                Step::Hang,
            ],
        )
        .both(broken()),
        connect("the proxy says nothing", [Step::Hang])
            .config(json!({"timeouts": {"connect_ms": 200}}))
            .both(runs_out("connect", "send")),
        connect(
            "the tunnel is cut in the TLS handshake",
            [
                Step::send("HTTP/1.1 200 Connection established\r\n\r\n"),
                Step::HalfClose,
            ],
        )
        .both(fails(MODELWIRE_E_TLS, "send")),
        connect(
            "the tunnel is reset in the TLS handshake",
            [
                Step::send("HTTP/1.1 200 Connection established\r\n\r\n"),
                Step::pause(30),
                Step::Reset,
            ],
        )
        .both(broken()),
        connect(
            "the tunnel stalls in the TLS handshake",
            [
                Step::send("HTTP/1.1 200 Connection established\r\n\r\n"),
                Step::Hang,
            ],
        )
        .config(json!({"timeouts": {"connect_ms": 200}}))
        .both(runs_out("connect", "send")),
    ]);
}

/// The key is for the provider and the password for the proxy.
#[test]
fn a_proxy_is_told_no_more_than_it_needs() {
    let _turn = turn();
    let proxy = Upstream::start(reply(407, "", &[], "no"));
    let with_password = format!("http://user:{PASSWORD}@127.0.0.1:{}", proxy.port());
    let config = json!({
        "credentials": {"api_key": KEY},
        "options": {"base_url": "https://provider.invalid/v1", "headers": {"x-team-token": KEY}},
        "transport": {"proxy": with_password},
    });
    let outcome = completions("openai", &config, r#"{"model":"m"}"#);
    assert_eq!(outcome.status, MODELWIRE_E_CONNECT, "{outcome:?}");
    assert!(!format!("{outcome:?}").contains(PASSWORD), "{outcome:?}");
    for request in proxy.requests() {
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("CONNECT", "provider.invalid:443")
        );
        assert!(!format!("{request:?}").contains(KEY), "{request:?}");
        assert!(request.header("proxy-authorization").is_some());
    }
}

/// Through a proxy that others wrote: the tunnel carries TLS end to end, the password stays
/// with the proxy, and a wrong one is a failed connection.
#[test]
fn through_tinyproxy() {
    let _turn = turn();
    let Some(proxy) = Tinyproxy::start() else {
        assert!(std::env::var_os("CI").is_none(), "no tinyproxy");
        return println!("skipped: tinyproxy is not installed");
    };
    let through = |password: &str| {
        let url = format!("http://user:{password}@127.0.0.1:{}", proxy.port);
        json!({"credentials": {"api_key": KEY}, "transport": {"proxy": url}})
    };
    let plain = Upstream::start(answer(SOUND));
    let secure = Upstream::start_tls(answer(SOUND), TlsIdentity::valid());
    for upstream in [&plain, &secure] {
        let config = with(through(PASSWORD), Peer::config(upstream));
        let outcome = completions("openai", &config, "{}").ok();
        assert_eq!(outcome.text(), SOUND);
        assert!(!format!("{outcome:?}").contains(PASSWORD), "{outcome:?}");
        let seen = format!("{:?}", upstream.requests());
        assert!(
            !seen.contains(PASSWORD) && !seen.to_lowercase().contains("proxy-auth"),
            "{seen}"
        );
    }
    let config = with(through("wrong"), Peer::config(&secure));
    let outcome = completions("openai", &config, "{}");
    assert_eq!(outcome.status, MODELWIRE_E_CONNECT, "{outcome:?}");
    // Plain http has no tunnel: what the proxy says is the answer (tinyproxy says 401 there).
    let config = with(through("wrong"), Peer::config(&plain));
    let outcome = completions("openai", &config, "{}");
    assert_eq!(outcome.status, MODELWIRE_E_BACKEND, "{outcome:?}");
    assert!([401, 407].contains(&outcome.http_status), "{outcome:?}");
    assert_eq!(plain.requests().len() + secure.requests().len(), 2);
}

struct Tinyproxy {
    process: Child,
    port: u16,
    config: PathBuf,
}

impl Tinyproxy {
    /// `None` where it is not installed.
    fn start() -> Option<Tinyproxy> {
        let port = {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            free.local_addr().expect("an address").port()
        };
        let config =
            std::env::temp_dir().join(format!("tinyproxy-{}-{port}.conf", std::process::id()));
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Critical\n\
             BasicAuth user {PASSWORD}\n"
        );
        std::fs::write(&config, text).expect("a config file");
        let spawned = Command::new("tinyproxy")
            .args(["-d", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = spawned else {
            let _ = std::fs::remove_file(&config);
            return None;
        };
        let proxy = Tinyproxy {
            process,
            port,
            config,
        };
        settled(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        Some(proxy)
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.config);
    }
}
