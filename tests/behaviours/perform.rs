//! Performs one entry through the C ABI, as a call in flight or as one that blocks.

use crate::list::{Behaviour, CancelAfter, Moment, OpenGate, Operation};
use crate::stage::Stage;
use crate::support::abi::{self, Call, Event, Outcome};
use modelwire::ffi::*;
use std::thread;
use std::time::Duration;

/// What came out: the outcome, and the lines of a stream, each followed by one LF.
pub struct Performed {
    pub outcome: Outcome,
    pub lines: Vec<u8>,
}

/// Through `modelwire_start`, `modelwire_next` and `modelwire_finish`.
pub fn in_flight(stage: &Stage, id: &str, behaviour: &Behaviour) -> Performed {
    let operation = match behaviour.operation {
        Operation::Completions => MODELWIRE_OP_COMPLETIONS,
        Operation::CompletionsStream => MODELWIRE_OP_COMPLETIONS_STREAM,
        Operation::TestConnection => MODELWIRE_OP_TEST_CONNECTION,
    };
    let config = config(stage, id, behaviour);
    let call = abi::start(
        operation,
        &behaviour.provider,
        &config,
        &behaviour.request.0,
    );
    match behaviour.cancel_after {
        Some(CancelAfter::Moment(Moment::Start)) => cancel(call),
        Some(CancelAfter::Moment(Moment::Sent)) => {
            until_sent(stage, id);
            cancel(call);
        }
        Some(CancelAfter::Lines(_)) | None => {}
    }
    let mut taken = Taken::new(stage, id, behaviour.open_gate.as_ref());
    loop {
        match call.next(-1) {
            Event::Lines(batch) => {
                taken.add(&batch);
                if behaviour.cancel_after == Some(CancelAfter::Lines(taken.count)) {
                    cancel(call);
                }
            }
            Event::Opened => {}
            Event::Ended => break,
            event => panic!("{}: {event:?}", behaviour.name),
        }
    }
    Performed {
        lines: taken.lines,
        outcome: call.finish(),
    }
}

/// Through the functions that block. `None` where a cancel is asked for.
pub fn blocking(stage: &Stage, id: &str, behaviour: &Behaviour) -> Option<Performed> {
    if behaviour.cancel_after.is_some() {
        return None;
    }
    let (provider, request) = (&behaviour.provider, &behaviour.request.0);
    let config = config(stage, id, behaviour);
    let mut taken = Taken::new(stage, id, behaviour.open_gate.as_ref());
    let outcome = match behaviour.operation {
        Operation::Completions => abi::completions(provider, &config, request),
        Operation::TestConnection => abi::test_connection(provider, &config),
        Operation::CompletionsStream => abi::stream_with(provider, &config, request, |line| {
            taken.add(&[line, b"\n"].concat());
            true
        }),
    };
    Some(Performed {
        lines: taken.lines,
        outcome,
    })
}

fn config(stage: &Stage, id: &str, behaviour: &Behaviour) -> String {
    behaviour
        .config_template()
        .replace("{base}", &stage.base(id))
}

fn cancel(call: Call) {
    assert_eq!(call.cancel(), MODELWIRE_OK);
}

fn until_sent(stage: &Stage, id: &str) {
    while stage.requests(id).is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The lines so far; opens the entry's gate when there are enough.
struct Taken<'a> {
    stage: &'a Stage,
    id: &'a str,
    gate: Option<&'a OpenGate>,
    count: usize,
    lines: Vec<u8>,
}

impl<'a> Taken<'a> {
    fn new(stage: &'a Stage, id: &'a str, gate: Option<&'a OpenGate>) -> Taken<'a> {
        Taken {
            stage,
            id,
            gate,
            count: 0,
            lines: Vec::new(),
        }
    }

    fn add(&mut self, batch: &[u8]) {
        self.count += batch.iter().filter(|&&byte| byte == b'\n').count();
        self.lines.extend_from_slice(batch);
        if let Some(gate) = self.gate.take_if(|gate| gate.after_lines <= self.count) {
            self.stage.open_gate(self.id, &gate.name);
        }
    }
}
