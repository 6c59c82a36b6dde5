//! Whether this replica may vote at all: it asks what the others hold of it, and is silent when that is more than its own records
//! show (rules A-1 to A-4).
//!
//! ```text
//!              q − 1 answers, all explained by the journal
//!   asking ─────────────────────────────────────────────────▶ voting
//!     │                                                          ▲
//!     │ records lost, or a vote that they do not explain         │ a stable checkpoint at H + L or above
//!     ▼                                                          │
//!   silent ──────────────────────────────────────────────────────┘
//! ```
//!
//! A replica that forgot its votes and votes again is as bad as one that lies: two quorums would no longer share an honest member.
//! Everything that it may have signed lies at most a window above a checkpoint that was stable then; once a checkpoint above all of
//! that is stable, nothing that it says about later numbers can contradict it. The estimate of how far it was is that of Castro and
//! Liskov's proactive recovery ("Practical Byzantine Fault Tolerance and Proactive Recovery", TOCS 2002, section 4.3.2).

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_types::{
    CheckpointCertificate, Fetch, Held, Message, MessageKind, NewView, Now, Payload, ReplicaId, SeqNum, Signed, Supply,
    Time, View,
};

use crate::testimony::Testimony;
use crate::{Effects, Event, Ignored, Recipients, Record, Replica};

/// An honest replica is at most so many views ahead of f + 1 others. It leaves a view that started, or one for whose NEW-VIEW it waits with
/// a quorum (rule V-7): of the q that had come there, f + 1 are honest others. The second view is that of rule A-3, for whoever recalls a
/// view of its own.
const LEAD: u64 = 2;

/// What a member answered.
#[derive(Clone, Debug, Default)]
struct Answer {
    /// How far it shows this replica to have been.
    top: SeqNum,
    /// The views in which it shows this replica to have spoken: as many as there are votes in one answer.
    spoke: BTreeSet<View>,
    /// Where it is itself.
    view: View,
}

/// How this replica stands towards its own past.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Whether it may vote.
    pub(crate) voting: bool,
    /// Whether records of its votes are gone; durable.
    pub(crate) lost: bool,
    /// The latest stable checkpoint that an answer to this start's question showed (rule A-4).
    pub(crate) shown: Option<CheckpointCertificate>,
    /// The stable checkpoint from which on it votes again; known once enough members have answered.
    pub(crate) until: Option<SeqNum>,
    /// Of each member that answered the question of this start, what it said.
    answers: BTreeMap<ReplicaId, Answer>,
    /// When the question was last asked.
    asked: Time,
    /// What explains this replica's votes, while answers may still come.
    pub(crate) testimony: Testimony,
    /// When each peer was last told what is held of it: the answer may be large.
    told: BTreeMap<ReplicaId, Time>,
}

impl Standing {
    /// How many members something is kept of, at most.
    pub(crate) fn members_at_most(&self) -> usize {
        self.answers.len().max(self.told.len())
    }
}

impl Replica {
    /// Whether anything may be said in agreement: its records are whole, and so is its state.
    pub(crate) const fn votes(&self) -> bool {
        self.standing.voting && !self.damaged
    }

    /// The stable checkpoint above which the answers tell what this replica said: its own, or a later one that they showed. Who has that one
    /// keeps none of its votes at or below it (rule A-4).
    pub(crate) fn known_from(&self) -> &CheckpointCertificate {
        let own = &self.checkpoints.stable;
        self.standing.shown.as_ref().filter(|shown| shown.seq > own.seq).unwrap_or(own)
    }

    /// Rule A-1: asks every other member, before anything else is said.
    pub(crate) fn ask_held(&mut self, now: Now, effects: &mut Effects) {
        self.standing.asked = now.time;
        if !self.has_asked_enough() {
            effects.send(Recipients::Others, Payload::Fetch(Fetch::Held { start: self.config.start }));
        }
    }

    /// When the question is asked again.
    pub(crate) fn ask_due(&self) -> Option<Time> {
        (!self.has_asked_enough()).then(|| self.standing.asked.after(self.config.retransmit_interval))
    }

    fn has_asked_enough(&self) -> bool {
        self.standing.answers.len() + 1 >= self.config.membership.quorum()
    }

    /// What this replica holds of a member that starts. Its NEW-VIEW goes first, as it was: it tells of the view that it started.
    pub(crate) fn tell_held(&mut self, now: Now, to: ReplicaId, start: u64, effects: &mut Effects) {
        let pause = self.config.retransmit_interval / 2;
        if to == self.config.id || self.standing.told.get(&to).is_some_and(|last| now.time < last.after(pause)) {
            return;
        }
        self.standing.told.insert(to, now.time);
        if let Some(new_view) = self.new_view.as_ref().filter(|it| it.signer == to) {
            effects.send(Recipients::One(to), Payload::Again(Box::new(Message::NewView(new_view.clone()))));
        }
        let stable = self.checkpoints.stable.clone();
        let top = stable.seq.plus(self.config.membership.parameters().window);
        let slots = self.log.above(stable.seq).take_while(|(seq, _)| *seq <= top);
        let votes = slots.flat_map(|(seq, slot)| slot.votes_of(to, self.view, seq, &self.config.membership)).collect();
        let view_change = self.view_changes.highest_of(to).cloned().map(Box::new);
        let held = Held { about: to, start, view: self.view, stable, votes, view_change };
        effects.send(Recipients::One(to), Payload::Supply(Supply::Held(held)));
    }

    /// An answer to this start's question.
    pub(crate) fn on_held(&mut self, now: Now, from: ReplicaId, held: Held, effects: &mut Effects) {
        if held.about != self.config.id || held.start != self.config.start || from == self.config.id {
            return effects.observe(Event::ignored(from, MessageKind::Supply, Ignored::Unasked));
        }
        self.learn_certificate(now, held.stable.clone(), effects);
        if self.may_begin(held.stable.seq) {
            self.standing.shown = Some(held.stable.clone());
        }
        if !self.is_explained(&held) {
            self.note_loss(effects);
        }
        self.note_answer(from, &held);
        self.judge_answers(now, effects);
    }

    /// Whoever answers a second time may have forgotten what is settled since: what it said before counts as well.
    fn note_answer(&mut self, from: ReplicaId, held: &Held) {
        let window = self.config.membership.parameters().window;
        let most = usize::try_from(window.saturating_mul(4).saturating_add(1)).unwrap_or(usize::MAX);
        let answer = self.standing.answers.entry(from).or_default();
        let voted = held.votes.iter().map(|vote| vote.place().1).max().unwrap_or_default();
        (answer.top, answer.view) = (answer.top.max(voted).max(held.stable.seq), answer.view.max(held.view));
        let moved = held.view_change.iter().map(|it| it.payload.view);
        for view in moved.chain(held.votes.iter().map(|vote| vote.place().0)) {
            if answer.spoke.len() < most {
                answer.spoke.insert(view);
            }
        }
    }

    /// Judges once enough members have answered.
    pub(crate) fn judge_answers(&mut self, now: Now, effects: &mut Effects) {
        if self.has_asked_enough() {
            self.judge_standing(now, effects);
        }
    }

    fn is_explained(&self, held: &Held) -> bool {
        let stable = self.checkpoints.stable.seq;
        let views = held.view_change.as_ref().is_none_or(|it| self.standing.testimony.explains_move(it.payload.view));
        views && held.votes.iter().all(|vote| vote.place().1 <= stable || self.standing.testimony.explains(vote))
    }

    /// Rule V-8 outlives the records: in views below the highest one in which this replica is shown to have spoken it never votes
    /// again. Nor does it start that view, which it may have done before. A view that f + 1 others cannot have come near is none where
    /// it was as an honest replica: whoever signed in its name for that lied, and the lie does not bind it. `unheard` says how many
    /// others may be anywhere.
    fn recall_view(&mut self, now: Now, unheard: usize, effects: &mut Effects) {
        let answers = || self.standing.answers.values();
        let is_near = |view: &View| {
            let near = answers().filter(|it| it.view.get().saturating_add(LEAD) >= view.get()).count();
            near + unheard >= self.config.membership.weak_quorum()
        };
        let spoke = answers().flat_map(|it| it.spoke.iter().copied().filter(|view| *view > self.view));
        let Some(view) = spoke.filter(is_near).max() else { return };
        let is_own = self.config.membership.primary(view) == self.config.id;
        self.move_to(now, if is_own { view.next() } else { view }, effects);
    }

    /// A NEW-VIEW that this replica signed comes back although no record tells of it.
    pub(crate) fn is_forgotten(&self, new_view: &Signed<NewView>) -> bool {
        let is_starting =
            matches!(&self.starting, Some(Payload::NewView { view, .. }) if *view == new_view.payload.view);
        new_view.signer == self.config.id && !is_starting
    }

    /// Rule A-2: durable before anything else is said.
    pub(crate) fn note_loss(&mut self, effects: &mut Effects) {
        self.standing.voting = false;
        if !self.standing.lost {
            self.standing.lost = true;
            effects.persist(Record::Lost);
            effects.observe(Event::RecordsLost);
        }
    }

    /// Enough members have answered: this replica votes, or knows for how long it must not (rule A-3).
    pub(crate) fn judge_standing(&mut self, now: Now, effects: &mut Effects) {
        if self.standing.lost {
            self.recall_view(now, 0, effects);
            // What f + 1 members say that they executed counts too: whoever answered may be behind what this replica had reached.
            let shown = self.standing.answers.values().map(|it| it.top).max().unwrap_or_default();
            let told = shown.max(self.executed_elsewhere());
            let window = self.config.membership.parameters().window;
            let until = told.max(self.checkpoints.stable.seq).plus(window);
            // A later answer may show more; nothing makes the wait shorter.
            let until = self.standing.until.map_or(until, |before| before.max(told.plus(window)));
            if self.standing.until != Some(until) {
                self.standing.until = Some(until);
                effects.observe(Event::Silent { until });
            }
        } else if !self.standing.voting {
            self.standing.voting = true;
            self.resume(now, effects);
        }
        self.try_transfer(now, effects);
    }

    /// A checkpoint became stable: perhaps the one that ends the silence.
    pub(crate) fn try_cure(&mut self, now: Now, effects: &mut Effects) {
        self.standing.testimony.forget_through(self.checkpoints.stable.seq);
        if self.standing.until.is_none_or(|until| self.checkpoints.stable.seq < until) {
            return;
        }
        // Before it votes: those that it did not hear of may be near what they showed, or would have shown.
        let unheard = self.config.membership.size().saturating_sub(self.standing.answers.len() + 1);
        self.recall_view(now, unheard, effects);
        self.standing.until = None;
        self.standing.lost = false;
        self.standing.voting = true;
        effects.persist(Record::Cured);
        self.resume(now, effects);
    }

    /// From here on this replica votes, unless something else keeps it from that: everything that waited is taken up.
    pub(crate) fn resume(&mut self, now: Now, effects: &mut Effects) {
        if !self.votes() {
            return;
        }
        effects.observe(Event::Voting);
        self.timers.progress = now.time;
        self.timers.propose = true;
        self.turnaround.begin(now.time);
        self.resume_waiting(now, effects);
        let accepted: Vec<SeqNum> = self.log.iter().map(|(seq, _)| seq).collect();
        accepted.into_iter().for_each(|seq| self.try_prepare(seq, effects));
        if self.changing {
            self.say_view_change(effects);
        }
        self.try_join(now, effects);
        self.try_start_view(now, effects);
    }

    /// Writes a record of this replica's own votes down, and remembers that it explains them.
    pub(crate) fn promise_in(&mut self, record: Record, effects: &mut Effects) {
        self.standing.testimony.note(self.config.id, &record);
        effects.persist(record);
    }
}
