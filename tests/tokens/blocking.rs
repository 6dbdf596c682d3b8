//! Callers that wait on threads of their own: what they fetch is everybody's, and goes on
//! without them.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::google::with_account;
use crate::peer::peer;
use crate::support::abi;
use crate::support::upstream::{Script, Step, Upstream, join, json};
use crate::{bearer, provider};

/// Nothing here takes so long; only keeps a failure from hanging.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn callers_on_threads_of_their_own_share_one_fetch() {
    const CALLERS: usize = 30;
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let config = with_account(&upstream, &peer.service_account("threads", 3600, "pkcs8"));
    let start_line = Arc::new(Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (config, start_line) = (config.clone(), start_line.clone());
            thread::spawn(move || {
                start_line.wait();
                abi::completions("vertex", &config, "{}").ok();
            })
        })
        .collect();
    callers.into_iter().for_each(|c| c.join().expect("a call"));
    let seen = peer.seen("threads");
    assert_eq!(seen.requests, 1);
    let requests = upstream.requests();
    assert_eq!(requests.len(), CALLERS);
    assert!(requests.iter().all(|sent| bearer(sent) == seen.tokens[0]));
}

/// The call that finds a token due uses it and ends. Its renewal ends after it, though nobody
/// waits, and the next call has the new one.
#[test]
fn a_renewal_goes_on_when_nobody_waits() {
    let Some(peer) = peer() else { return };
    let token = |name: &str| json(format!(r#"{{"access_token":"{name}","expires_in":10}}"#));
    let renewed = join([vec![Step::pause(200)], token("new")]);
    let endpoint = Upstream::start(Script::queue([token("old"), renewed]));
    let upstream = provider();
    let mut account = peer.service_account("scripted", 3600, "pkcs8");
    account["token_uri"] = format!("{}/token", endpoint.url()).into();
    let config = with_account(&upstream, &account);
    let call = || {
        abi::completions("vertex", &config, "{}").ok();
        let last = upstream.requests().pop().expect("a call was made");
        bearer(&last).to_owned()
    };

    // Eight seconds of ten it is as new.
    let begun = Instant::now();
    while endpoint.requests().len() < 2 {
        call();
        assert!(begun.elapsed() < PATIENCE, "nothing was renewed");
        thread::sleep(Duration::from_millis(50));
    }
    // In the tenth second a call would wait for the renewal; this one comes before.
    thread::sleep(Duration::from_millis(400));
    assert_eq!(call(), "new");
    assert_eq!(endpoint.requests().len(), 2);
}
