//! Where everything stands: lanes from left to right, moments from top to bottom.

use std::collections::BTreeMap;

use tetrarch_simulator::recording::{Fate, Party};
use tetrarch_types::Time;

use super::canvas::Point;
use crate::sim::chart::scene::Scene;

/// The left edge of the texts, and of the faults that befall links.
pub(super) const LEFT: f64 = 20.0;
pub(super) const CUTS: f64 = 104.0;
const FIRST_LANE: f64 = 250.0;
const LANE_WIDTH: f64 = 172.0;
const RIGHT: f64 = 176.0;
const NARROWEST: f64 = 1_000.0;
/// Room for the lanes' names above and below the life lines.
const NAMES: f64 = 64.0;
/// A line of words.
pub(super) const LINE: f64 = 11.0;
/// Between two moments at which something happens, at least and at most.
const STEP: f64 = 3.0;
const LONGEST_GAP: f64 = 56.0;
/// What a message that takes the median time descends.
const USUAL_DESCENT: f64 = 44.0;

/// Where everything stands.
pub(super) struct Plan {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Where life lines begin and end.
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// Moments and how far down they are, both ascending.
    pub(super) moments: Vec<(Time, f64)>,
    /// Pixels a microsecond, where there is room for it.
    scale: f64,
    lanes: Vec<Party>,
}

/// On which side of a life line words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// What happens there.
    Left,
    /// What is said there.
    Right,
}

/// How many lines of words stand at a moment, by lane and side.
type Words = BTreeMap<Time, BTreeMap<(Party, Side), usize>>;

impl Plan {
    pub(super) fn new(scene: &Scene<'_>, header: f64) -> Self {
        let top = header + NAMES;
        let scale = scale(scene);
        let moments = moments(&words(scene), scale, top + STEP * 4.0);
        let bottom = moments.last().map_or(top, |(_, y)| *y) + USUAL_DESCENT;
        let below = bottom + NAMES + super::marks::failure_height(scene);
        let lanes: Vec<Party> = scene.lanes.iter().map(|lane| lane.party).collect();
        let width = FIRST_LANE + LANE_WIDTH * (lanes.len() as f64 - 1.0).max(0.0) + RIGHT;
        Self { width: width.max(NARROWEST), height: below, top, bottom, moments, scale, lanes }
    }

    /// How far to the right a party's life line stands. None if it is not shown.
    pub(super) fn x(&self, party: Party) -> Option<f64> {
        let place = self.lanes.iter().position(|lane| *lane == party)?;
        Some(FIRST_LANE + LANE_WIDTH * place as f64)
    }

    /// How far down a moment is: between its neighbours if nothing happens at it, at the edge if it is not shown.
    pub(super) fn y(&self, at: Time) -> f64 {
        let after = self.moments.partition_point(|(moment, _)| *moment < at);
        let earlier = after.checked_sub(1).and_then(|before| self.moments.get(before));
        match (earlier, self.moments.get(after)) {
            (Some((t0, y0)), Some((t1, y1))) => {
                let share = micros(*t0, at) / micros(*t0, *t1).max(1.0);
                y0 + (y1 - y0) * share
            }
            (None, Some((first, y))) => {
                if *first == at {
                    *y
                } else {
                    self.top
                }
            }
            (_, None) => self.bottom,
        }
    }

    /// Whether more time passes between two neighbouring moments than the distance between them tells.
    pub(super) fn is_cut_short(&self, before: Time, after: Time) -> bool {
        micros(before, after) * self.scale > LONGEST_GAP * 1.5
    }

    /// A moment of a party's life.
    pub(super) fn point(&self, party: Party, at: Time) -> Option<Point> {
        Some((self.x(party)?, self.y(at)))
    }
}

/// Microseconds from one moment to a later one.
pub(super) fn micros(from: Time, to: Time) -> f64 {
    to.since(from).as_micros() as f64
}

/// All moments at which something happens, with the words that need room.
fn words(scene: &Scene<'_>) -> Words {
    let mut words = Words::new();
    let window = scene.window;
    for at in [window.from, window.to] {
        words.entry(at).or_default();
    }
    for utterance in scene.utterances.iter() {
        if window.has(utterance.left) {
            let lines = words.entry(utterance.left).or_default();
            *lines.entry((utterance.from, Side::Right)).or_default() += usize::from(utterance.is_labelled());
        }
        let arrivals = utterance.passages.iter().filter_map(|passage| match passage.fate {
            Fate::Arrived(at) if window.has(at) => Some(at),
            _ => None,
        });
        for at in arrivals {
            words.entry(at).or_default();
        }
    }
    for remark in &scene.remarks {
        *words.entry(remark.at).or_default().entry((remark.party, Side::Left)).or_default() += 1;
    }
    words
}

/// Pixels a microsecond: so that a message of the median kind descends as usual.
fn scale(scene: &Scene<'_>) -> f64 {
    let passages = scene.utterances.iter().flat_map(|utterance| &utterance.passages);
    let ways = passages.filter_map(|passage| match passage.fate {
        Fate::Arrived(at) => Some(at.since(passage.left)),
        _ => None,
    });
    let mut ways: Vec<_> = ways.collect();
    ways.sort_unstable();
    let median = ways.get(ways.len() / 2).map_or(1_000.0, |way| way.as_micros() as f64);
    USUAL_DESCENT / median.max(1.0)
}

/// How far down each moment is: by the time that passed, within bounds, and below the words above it.
fn moments(words: &Words, scale: f64, top: f64) -> Vec<(Time, f64)> {
    let mut written: BTreeMap<(Party, Side), f64> = BTreeMap::new();
    let mut moments: Vec<(Time, f64)> = Vec::with_capacity(words.len());
    for (at, lines) in words {
        let mut y = match moments.last() {
            Some((before, y)) => y + (micros(*before, *at) * scale).clamp(STEP, LONGEST_GAP),
            None => top,
        };
        for (place, count) in lines {
            let above = written.get(place).copied().unwrap_or(top - LINE * 2.0);
            y = y.max(above + LINE * *count as f64);
        }
        written.extend(lines.iter().filter(|(_, count)| **count > 0).map(|(place, _)| (*place, y)));
        moments.push((*at, y));
    }
    moments
}
