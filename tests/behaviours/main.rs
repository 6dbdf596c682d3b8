//! Runs the behaviour list, `../behaviours.json`, through the C ABI: each entry as a call in
//! flight, and, unless it cancels, once more through the functions that block. Every binding
//! runs the same list; `../behaviours.md` describes it.

mod compare;
mod list;
mod perform;
#[path = "../../examples/upstream/scripted.rs"]
mod scripted;
mod stage;
#[path = "../../examples/upstream/steps.rs"]
mod steps;
#[path = "../support/mod.rs"]
mod support;

// The two modules of the bundled upstream find it here.
use support::upstream;

use compare::Differences;
use list::{Behaviour, List};
use perform::{Performed, blocking, in_flight};
use stage::Stage;
use std::collections::HashSet;

#[test]
fn entries_can_be_told_apart() {
    let list = list();
    let names: HashSet<_> = list.behaviours.iter().map(|b| &b.name).collect();
    assert_eq!(names.len(), list.behaviours.len());
}

#[test]
fn in_flight_calls_behave() {
    run(|stage, id, behaviour| Some(in_flight(stage, id, behaviour)));
}

#[test]
fn blocking_calls_behave() {
    run(blocking);
}

fn list() -> List {
    List::parse(include_str!("../behaviours.json")).expect("as described")
}

fn run(perform: impl Fn(&Stage, &str, &Behaviour) -> Option<Performed>) {
    let stage = Stage::start();
    let mut failed = Vec::new();
    for (index, behaviour) in list().behaviours.iter().enumerate() {
        let id = index.to_string();
        stage.put_script(&id, &behaviour.script);
        let Some(performed) = perform(&stage, &id, behaviour) else {
            continue;
        };
        let received = stage.requests(&id);
        for difference in Differences::of(&behaviour.expect, &performed, &received) {
            failed.push(format!("{}: {difference}", behaviour.name));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}
