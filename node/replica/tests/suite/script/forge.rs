//! Messages that no honest replica sends, signed with a member's key; they wait in the bag like any other.
//!
//! | forged | is |
//! |---|---|
//! | `forge pre-prepare v0 s1 [A1 A2] 0->2 stamp=+5ms` | a proposal of these transactions, stamped relative to the clock |
//! | `forge draft v0 s1 [A1 A2] 0->2` | a draft of such a proposal |
//! | `forge supply [A1 A2] 1->0` | bodies that a peer passes on |
//! | `forge prepare v0 s1 [A1] 1->2`, `forge commit …` | a vote for a batch that was seen before, under the name it got |
//! | `forge checkpoint s4 1->*` | a vote for a state that nobody has |
//! | `forge status v0 executed=9 1->*` | a boast |
//! | `forge view-change v1 3->1` | a VIEW-CHANGE that shows nothing prepared |
//! | `forge new-view v1 1->* s1=noop omit=s2 signers={0,2,3}` | a NEW-VIEW of VIEW-CHANGEs that were sent, re-proposals altered |

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, Message, Payload, PrePrepare, Prepare, PreparedCertificate,
    ReplicaId, SeqNum, Signed, Status, Supply, Timestamp, Transaction, View, ViewChange,
};

use super::{Stage, words};
use crate::support::chain::VALIDITY;

pub(super) fn command(stage: &mut Stage, words: &[&str]) {
    let (from, to) = words::way(words);
    let from = from.expect("signed by whom?");
    let message = forged(stage, words, from);
    let everyone = stage.cluster.ids().filter(|id| *id != from);
    for to in to.map_or_else(|| everyone.collect(), |to| vec![to]) {
        stage.cluster.post(from, to, message.clone());
    }
    stage.cluster.sent.push(message);
}

fn forged(stage: &mut Stage, words: &[&str], from: ReplicaId) -> Message {
    let view = words::view_of(words).unwrap_or_default();
    let seq = words::seq_of(words).unwrap_or_default();
    let payload = match words[0] {
        "pre-prepare" => {
            let batch = batch(stage, words);
            Payload::PrePrepare { assignment: PrePrepare { view, seq, digest: batch.digest() }, batch }
        }
        "draft" => Payload::Supply(Supply::Draft { view, seq, batch: batch(stage, words) }),
        "supply" => Payload::Supply(Supply::Transactions(transactions(stage, words))),
        "prepare" => Payload::Prepare(Prepare { view, seq, digest: named(stage, words) }),
        "commit" => Payload::Commit(Commit { view, seq, digest: named(stage, words) }),
        "checkpoint" => Payload::Checkpoint(Checkpoint { seq, state_root: Digest::from_bytes([0xbb; 32]) }),
        "status" => {
            let executed = SeqNum::new(words::option(words, "executed").map_or(0, words::number));
            Payload::Status(Status { view, changing: false, executed, stable: SeqNum::ZERO, slow: false })
        }
        "view-change" => {
            Payload::ViewChange(ViewChange { view, stable: CheckpointCertificate::genesis(), prepared: Vec::new() })
        }
        "new-view" => new_view(stage, words, view),
        other => panic!("forge what? {other}"),
    };
    stage.cluster.chain.sign(payload, from)
}

fn batch_word<'a>(words: &[&'a str]) -> &'a str {
    words.iter().find(|word| word.starts_with('[') || **word == "noop").expect("which batch?")
}

fn named(stage: &Stage, words: &[&str]) -> Digest {
    stage.names.batch_named(batch_word(words))
}

fn transactions(stage: &mut Stage, words: &[&str]) -> Vec<Transaction> {
    let names = words::split(batch_word(words).trim_matches(['[', ']']));
    names.into_iter().map(|name| stage.transaction(name, VALIDITY)).collect()
}

fn batch(stage: &mut Stage, words: &[&str]) -> Batch {
    let transactions = transactions(stage, words).iter().map(Transaction::id).collect();
    let shift = words::option(words, "stamp").map_or(0, words::shift);
    let clock = stage.cluster.clock(ReplicaId::ZERO).as_micros();
    let batch = Batch { timestamp: Timestamp::from_micros(clock.saturating_add_signed(shift)), transactions };
    stage.names.meet(&batch);
    batch
}

fn new_view(stage: &Stage, words: &[&str], view: View) -> Payload {
    let quorum = stage.cluster.chain.membership.quorum();
    let wanted = words::option(words, "signers");
    let mut moved: BTreeMap<ReplicaId, Signed<ViewChange>> = BTreeMap::new();
    for message in &stage.cluster.sent {
        let Message::ViewChange(it) = message else { continue };
        if it.payload.view == view && wanted.is_none_or(|wanted| wanted.contains(&it.signer.to_string())) {
            moved.insert(it.signer, it.clone());
        }
    }
    let view_changes: Vec<_> = moved.into_values().take(quorum).collect();
    let mut proposals = honest(&view_changes);
    for word in words {
        if let Some(omitted) = word.strip_prefix("omit=s") {
            proposals.remove(&SeqNum::new(words::number(omitted)));
        } else if let Some((seq, batch)) = word.split_once('=')
            && let Some(seq) = seq.strip_prefix('s').and_then(|seq| seq.parse().ok())
        {
            proposals.insert(SeqNum::new(seq), stage.names.batch_named(batch));
        }
    }
    let proposals = proposals.into_iter().map(|(seq, digest)| PrePrepare { view, seq, digest }).collect();
    Payload::NewView { view, view_changes, proposals }
}

/// What an honest primary would propose again, computed anew here: production is not asked.
fn honest(view_changes: &[Signed<ViewChange>]) -> BTreeMap<SeqNum, Digest> {
    let stable = view_changes.iter().map(|it| it.payload.stable.seq).max().unwrap_or_default();
    let shown: Vec<&PreparedCertificate> = view_changes.iter().flat_map(|it| &it.payload.prepared).collect();
    let top = shown.iter().map(|it| it.seq).max().unwrap_or_default();
    let numbers = (stable.get() + 1..=top.get()).map(SeqNum::new);
    numbers
        .map(|seq| {
            let best = shown.iter().filter(|it| it.seq == seq).max_by_key(|it| it.view);
            (seq, best.map_or_else(|| Batch::noop().digest(), |it| it.digest))
        })
        .collect()
}
