//! Connections that serve more than one request, and what must not pass from one to the next.

use super::{early, upload};
use crate::fault::{Fault, SOUND, fails, play, then_sound, turn};
use crate::support::abi::completions;
use crate::support::upstream::{Gate, Script, Step, Upstream, join, json as answer, reply};
use modelwire::ffi::*;
use serde_json::json;

#[test]
fn an_upload_that_is_refused_early() {
    let refuses = || {
        let close = [("connection", "close")];
        let refusal = reply(413, "Content Too Large", &close, "too large");
        early(join([refusal, vec![Step::HalfClose]]))
    };
    play(vec![
        Fault::of("a refusal before the upload is whole", refuses)
            .request(upload())
            .both(fails(MODELWIRE_E_BACKEND, "response").http_status(413)),
    ]);
}

/// A connection that dies while idle, just as the next request goes out: the request goes out
/// once more on a fresh one, and only once.
#[test]
fn a_connection_that_dies_while_it_is_idle() {
    let _turn = turn();
    for (way, last, status) in [
        (Step::Close, answer(SOUND), MODELWIRE_OK),
        (Step::Reset, answer(SOUND), MODELWIRE_OK),
        (Step::HalfClose, answer(SOUND), MODELWIRE_OK),
        (Step::Close, vec![Step::Close], MODELWIRE_E_TRUNCATED),
        (Step::Reset, vec![Step::Reset], MODELWIRE_E_TRUNCATED),
    ] {
        let script = Script::queue([answer(SOUND), vec![way], last]);
        let upstream = Upstream::start(script);
        let config =
            json!({"credentials": {"api_key": "k"}, "options": {"base_url": upstream.url()}});
        let call = || completions("openai", &config, "{}");
        assert_eq!(call().ok().info["attempts"], 1);
        let outcome = call();
        assert_eq!(outcome.status, status, "{outcome:?}");
        assert_eq!(outcome.info["attempts"], 2);
        assert_eq!((upstream.requests().len(), upstream.connections()), (3, 2));
    }
}

/// Servers say 408 on a connection that was idle for long, and close it. Whoever sends just
/// then must not take that for the answer.
#[test]
fn an_answer_to_nobody_is_not_the_next_calls() {
    let _turn = turn();
    for closes in [true, false] {
        let late = Gate::new();
        let mut steps = answer(SOUND);
        steps.extend([
            Step::WaitFor(late.clone()),
            Step::send(
                "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            ),
        ]);
        if closes {
            steps.push(Step::Close);
        }
        let upstream = Upstream::start(then_sound(steps));
        let config =
            json!({"credentials": {"api_key": "k"}, "options": {"base_url": upstream.url()}});
        let call = || completions("openai", &config, "{}");
        call().ok();
        late.open();
        upstream.wait_open_connections(0);
        assert_eq!(call().ok().text(), SOUND);
        assert_eq!(upstream.connections(), 2);
    }
}
