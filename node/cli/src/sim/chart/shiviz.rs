//! The log format of ShiViz (<https://bestchai.bitbucket.io/shiviz/>).
//!
//! A file begins with the regular expression that it is parsed with; the second line would separate several executions. Each event is
//! two lines: what happened, then who it happened to with its vector clock. A host's own entry grows by one with each of its events.

use std::collections::BTreeMap;

use tetrarch_simulator::recording::{Fate, Party};
use tetrarch_types::Time;

use super::scene::Scene;
use super::window::millis;

/// The first line.
const PARSER: &str = r"(?<time>\S+) ms (?<event>.*)\n(?<host>\S+) (?<clock>\{.*\})";

type Clock = BTreeMap<Party, u64>;

/// Something that happens at a host.
struct Event<'a> {
    at: Time,
    host: Party,
    words: String,
    cause: Cause<'a>,
}

enum Cause<'a> {
    /// Something is said: by its place among the utterances.
    Said(usize),
    /// It is heard.
    Heard(usize),
    /// Something else.
    Own(&'a str),
}

/// The log of what a chart would show.
pub(super) fn log(scene: &Scene<'_>) -> String {
    let mut text = format!("{PARSER}\n\n");
    let mut clocks: BTreeMap<Party, Clock> = BTreeMap::new();
    let mut said: BTreeMap<usize, Clock> = BTreeMap::new();
    for event in events(scene) {
        let clock = clocks.entry(event.host).or_default();
        if let Some(heard) = event.heard().and_then(|utterance| said.get(&utterance)) {
            heard.iter().for_each(|(host, time)| merge(clock, *host, *time));
        }
        *clock.entry(event.host).or_default() += 1;
        if let Cause::Said(utterance) = event.cause {
            said.insert(utterance, clock.clone());
        }
        text += &event.lines(clock);
    }
    text
}

fn merge(clock: &mut Clock, host: Party, time: u64) {
    let own = clock.entry(host).or_default();
    *own = (*own).max(time);
}

/// In order of time; what is said before what is heard at the same moment, since nothing is heard when it is said.
fn events<'a>(scene: &Scene<'a>) -> Vec<Event<'a>> {
    let mut events: Vec<Event<'a>> = Vec::new();
    for (place, utterance) in scene.utterances.iter().enumerate() {
        let words = utterance.words();
        if scene.window.has(utterance.left) {
            let to: Vec<String> = utterance.passages.iter().map(|passage| host(passage.to)).collect();
            let words = format!("sends {words} to {}", to.join(", "));
            events.push(Event { at: utterance.left, host: utterance.from, words, cause: Cause::Said(place) });
        }
        for passage in &utterance.passages {
            let Fate::Arrived(at) = passage.fate else { continue };
            if scene.window.has(at) && !scene.history.is_down(passage.to, at) {
                let words = format!("hears {words} from {}", host(passage.from));
                events.push(Event { at, host: passage.to, words, cause: Cause::Heard(place) });
            }
        }
    }
    for remark in &scene.remarks {
        let words = remark.words().unwrap_or_default();
        events.push(Event { at: remark.at, host: remark.party, words, cause: Cause::Own(remark.text) });
    }
    events.sort_by_key(|event| event.at);
    events
}

impl Event<'_> {
    const fn heard(&self) -> Option<usize> {
        if let Cause::Heard(utterance) = self.cause { Some(utterance) } else { None }
    }

    fn lines(&self, clock: &Clock) -> String {
        let entries: Vec<String> = clock.iter().map(|(party, time)| format!("\"{}\":{time}", host(*party))).collect();
        let more = if let Cause::Own(text) = self.cause { format!(" ({text})") } else { String::new() };
        let (words, clock) = (format!("{}{more}", self.words).replace('\n', " "), entries.join(","));
        format!("{:.3} ms {words}\n{} {{{clock}}}\n", millis(self.at), host(self.host))
    }
}

/// A name without blanks.
fn host(party: Party) -> String {
    match party {
        Party::Client(client) => format!("client-{client}"),
        Party::Node(node) => format!("replica-{node}"),
    }
}
