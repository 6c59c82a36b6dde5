//! What clients of a gateway live through while replicas lie, primaries die, the gateway dies, and a holder of a lock is stopped.

#![allow(clippy::print_stdout, reason = "how long everything stood still")]

use crate::e2e_support::Net;
use crate::e2e_support::course::{Course, Stalls};
use rustix::process::{Pid, Signal, kill_process};
use tetrarch_launcher::ReplicaState;

/// Values that have to be put and seen in each state of the cluster.
const MORE: usize = 40;

#[test]
fn a_watcher_misses_nothing_while_a_replica_contradicts_itself() {
    let net = Net::up_with_gateway();
    let course = Course::start(&net);
    course.goes_on("all are honest", MORE);
    // One that takes longer to come back as a liar than the others wait leads no more, and has nobody to contradict: then the next one does it.
    let mut deeds = String::new();
    let has_lied = (0..3).any(|_| {
        deeds = contradict(&net, &course);
        deeds.contains("equivocate ")
    });
    assert!(has_lied, "{deeds}");
    let stalls = course.end(&net);
    assert_eq!(stalls.resumed, 0, "the stream has held");
    say("a replica contradicts itself", stalls);
    net.assert_no_panic();
}

/// The primary contradicts itself for a while, and is honest again. Gives what it says it did.
fn contradict(net: &Net, course: &Course) -> String {
    let liar = net.primary();
    net.ok(&["testnet", "corrupt", &liar.to_string(), "--mode", "equivocate", "--seed", "7"]);
    course.goes_on("the primary says one thing to some and another to others", 2 * MORE);
    start(net, liar);
    course.goes_on("it is honest again", MORE);
    net.log(liar).lines().rev().find(|line| line.contains("what this liar did")).unwrap_or_default().to_owned()
}

#[test]
fn a_watcher_misses_nothing_while_primaries_die() {
    let net = Net::up_with_gateway();
    let course = Course::start(&net);
    let mut views = vec![net.view()];
    for time in ["first", "second"] {
        course.goes_on("all are there", MORE);
        let primary = net.primary();
        net.ok(&["testnet", "kill", &primary.to_string()]);
        course.goes_on(&format!("the {time} primary is dead"), MORE);
        views.push(net.view());
        start(&net, primary);
    }
    course.goes_on("all are back", MORE);
    let stalls = course.end(&net);
    assert!(views.is_sorted_by(|one, next| one < next), "each death changed the view: {views:?}");
    assert_eq!(stalls.resumed, 0, "the stream has held");
    say("two primaries die", stalls);
    net.assert_no_panic();
}

#[test]
fn a_watch_is_taken_up_again_when_the_gateway_dies() {
    let net = Net::up_with_gateway();
    let course = Course::start(&net);
    for _ in 0..2 {
        course.goes_on("the gateway is there", MORE);
        let pid = net.status().gateway_process.unwrap().pid.unwrap();
        kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
        course.goes_on("the gateway was killed", MORE);
        assert_ne!(net.status().gateway_process.unwrap().pid, Some(pid), "it is another one");
    }
    let stalls = course.end(&net);
    assert!(stalls.resumed >= 2, "each end broke the stream: {stalls:?}");
    say("the gateway is killed twice", stalls);
    assert!(!net.ok(&["testnet", "logs", "gateway"]).contains("panicked"));
    net.assert_no_panic();
}

/// Starts a replica, honest, and waits until it takes part.
fn start(net: &Net, replica: u16) {
    net.ok(&["testnet", "start", &replica.to_string()]);
    net.until(&format!("{replica} takes part"), |status| {
        status.replicas[usize::from(replica)].state == ReplicaState::Running
    });
}

fn say(what: &str, Stalls { writer, watcher, resumed }: Stalls) {
    let (writer, watcher) = (writer.as_millis(), watcher.as_millis());
    println!(
        "{what}: the writer waited for {writer} ms at most, the watcher for {watcher} ms, and resumed {resumed} times"
    );
}
