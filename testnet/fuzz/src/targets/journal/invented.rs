//! Records that decode and that nobody wrote: a replica refuses them, or comes up and contradicts none of them.

use arbitrary::Arbitrary;
use tetrarch_crypto::Digest;
use tetrarch_replica::{Input, Record};
use tetrarch_types::{NewView, Payload, PrePrepare, SeqNum, Signed, View, ViewChange};

use crate::Reach;
use crate::chain::{Chain, WINDOW, id};
use crate::choices::Choices;
use crate::play::{Machine, Node, Stage};
use crate::targets::core::play;
use crate::trace;

const RECORDS: usize = 24;

/// A record before it is filled. Numbers are small, so that they meet.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Outline {
    Proposed {
        view: u8,
        seq: u8,
        content: u8,
    },
    Accepted {
        view: u8,
        seq: u8,
        content: u8,
    },
    Drafted {
        view: u8,
        seq: u8,
        content: u8,
    },
    Prepared {
        view: u8,
        seq: u8,
        content: u8,
    },
    ViewChanging {
        view: u8,
    },
    Starting {
        view: u8,
        seq: u8,
        content: u8,
    },
    Entered {
        view: u8,
        seq: u8,
        content: u8,
    },
    Stable {
        seq: u8,
    },
    /// A payload that starts nothing.
    Nonsense {
        view: u8,
    },
    Lost,
    Cured,
}

pub(super) fn run(mut choices: Choices<'_>) -> Reach {
    let chain = Chain::new(4);
    let own = choices.below(4);
    let root = Digest::from_bytes([3; 32]);
    let executed = SeqNum::new(2 * choices.below(4) as u64);
    let count = choices.below(RECORDS);
    let outlines: Vec<Outline> = (0..count).map_while(|_| choices.any()).collect();
    let records: Vec<Record> = outlines.iter().map(|outline| fill(&chain, *outline)).collect();
    records.iter().for_each(|record| trace::note("invented", record));
    let machine =
        if executed == SeqNum::ZERO { Machine::default() } else { Machine::of(&chain.stable(executed, root)) };
    let Ok(node) = Node::new(4, id(own), machine, records.clone()) else {
        return Reach::Refused;
    };
    let mut stage = Stage::new(node);
    stage.node.turn(vec![Input::Start]);
    play(&mut stage, choices);
    Reach::Accepted
}

/// Most numbers lie in the first windows, a few at the end of all.
fn number(byte: u8) -> u64 {
    if byte >= 250 { u64::MAX - u64::from(255 - byte) } else { u64::from(byte) % (2 * WINDOW + 1) }
}

fn view(byte: u8) -> View {
    View::new(if byte >= 250 { number(byte) } else { u64::from(byte) % 4 })
}

/// View 0 begins without a NEW-VIEW.
fn begun(byte: u8) -> View {
    view(byte).max(View::new(1))
}

fn fill(chain: &Chain, outline: Outline) -> Record {
    match outline {
        Outline::Proposed { view: at, seq, content } => {
            let seq = SeqNum::new(number(seq));
            let (batch, transactions) = chain.batch(usize::from(content) % 3, seq);
            Record::Proposed { view: view(at), seq, batch, transactions }
        }
        Outline::Accepted { view: at, seq, content } => {
            let (view, seq) = (view(at), SeqNum::new(number(seq)));
            let (batch, transactions) = chain.batch(usize::from(content) % 3, seq);
            let assignment = PrePrepare { view, seq, digest: batch.digest() };
            let pre_prepare = chain.signature(&assignment, chain.membership.primary(view));
            Record::Accepted { view, seq, pre_prepare, batch, transactions }
        }
        Outline::Drafted { view: at, seq, content } => {
            let seq = SeqNum::new(number(seq));
            let (batch, transactions) = chain.batch(usize::from(content) % 3, seq);
            Record::Drafted { view: view(at), seq, batch, transactions }
        }
        Outline::Prepared { view: at, seq, content } => {
            let seq = SeqNum::new(number(seq));
            let digest = chain.batch(usize::from(content) % 3, seq).0.digest();
            Record::Prepared(chain.prepared(view(at), seq, digest))
        }
        Outline::ViewChanging { view: at } => Record::ViewChanging { view: view(at) },
        Outline::Starting { view: at, seq, content } => {
            let view = begun(at);
            let (view_changes, proposals) = beginning(chain, view, seq, content);
            Record::Starting(Payload::NewView { view, view_changes, proposals })
        }
        Outline::Entered { view: at, seq, content } => {
            let view = begun(at);
            let primary = chain.membership.primary(view);
            let (view_changes, proposals) = beginning(chain, view, seq, content);
            let proposals = proposals.into_iter().map(|it| chain.signed(it, primary)).collect();
            Record::Entered(chain.signed(NewView { view, view_changes, proposals }, primary))
        }
        Outline::Stable { seq } => {
            let seq = SeqNum::new(number(seq) & !1);
            Record::Stable(chain.stable(seq, Digest::from_bytes([3; 32])))
        }
        Outline::Nonsense { view: at } => Record::Starting(Payload::ViewChange(view_change(chain, view(at)))),
        Outline::Lost => Record::Lost,
        Outline::Cured => Record::Cured,
    }
}

fn view_change(chain: &Chain, view: View) -> ViewChange {
    ViewChange { view, stable: chain.stable(SeqNum::ZERO, Digest::ZERO), prepared: Vec::new() }
}

/// VIEW-CHANGEs, and proposals that need not follow from them.
fn beginning(chain: &Chain, view: View, seq: u8, content: u8) -> (Vec<Signed<ViewChange>>, Vec<PrePrepare>) {
    let movers = chain.ids().take(3);
    let view_changes = movers.map(|mover| chain.signed(view_change(chain, view), mover)).collect();
    let proposals = (1..=u64::from(seq) % (WINDOW + 2)).map(SeqNum::new).map(|seq| {
        let digest = chain.batch(usize::from(content) % 3, seq).0.digest();
        PrePrepare { view, seq, digest }
    });
    (view_changes, proposals.collect())
}
