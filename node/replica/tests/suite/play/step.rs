//! What may happen next.

use proptest::prelude::*;

/// Kinds of records that a replica may fall over.
pub(crate) const RECORDS: [&str; 7] =
    ["proposed", "accepted", "prepared", "view-changing", "starting", "entered", "stable"];

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A client's transaction reaches some replicas: one bit each.
    Request {
        client: u8,
        nonce: u64,
        variant: usize,
        to: u8,
    },
    /// The first messages, in order.
    Deliver {
        count: usize,
    },
    /// One message out of turn; perhaps it stays in the bag.
    Pick {
        index: usize,
        again: bool,
    },
    Drop {
        index: usize,
    },
    /// Time passes; perhaps the network is quick meanwhile.
    Tick {
        millis: u64,
        delivering: bool,
    },
    Crash {
        who: usize,
        lost: u64,
    },
    Trap {
        who: usize,
        record: usize,
        durable: bool,
    },
    /// Perhaps its question is answered at once.
    Restart {
        who: usize,
        answered: bool,
    },
    Lie {
        kind: u8,
        view: u64,
        seq: u64,
        choice: usize,
        to: usize,
    },
    /// Messages from one replica to another are lost from here on; or none is.
    Block {
        from: usize,
        to: usize,
    },
    Unblock,
    /// A disk is copied.
    BackUp {
        who: usize,
    },
    /// A replica falls and comes to harm while it is down.
    Harm {
        who: usize,
        harm: Harm,
    },
    /// Whether states that are wanted are there at once from here on.
    Transfers {
        instant: bool,
    },
    /// A transfer ends.
    Install {
        who: usize,
    },
    /// Nobody holds what is transferred.
    Gone {
        who: usize,
    },
}

/// What may become of a disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Harm {
    /// Everything is gone, and noted so.
    Wiped,
    /// Everything is gone and looks new.
    Forgotten,
    /// The last copy is put back.
    Restored,
    /// The executed state is not usable.
    Damaged,
}

/// The steps of any run.
pub(crate) fn step(size: usize) -> BoxedStrategy<Step> {
    let all = u8::MAX >> (8 - size);
    let to = prop_oneof![3 => Just(all), 1 => 1..=all];
    let request = (0..3_u8, 0..12_u64, 0..8_usize, to).prop_map(|(client, nonce, variant, to)| Step::Request {
        client,
        nonce,
        variant: usize::from(variant == 0),
        to,
    });
    let lie = (0..8_u8, 0..6_u64, 1..8_u64, any::<usize>(), 1..size);
    let trap = (0..size, 0..RECORDS.len(), any::<bool>());
    prop_oneof![
        12 => request,
        30 => (1..60_usize).prop_map(|count| Step::Deliver { count }),
        12 => (any::<usize>(), any::<bool>()).prop_map(|(index, again)| Step::Pick { index, again }),
        6 => any::<usize>().prop_map(|index| Step::Drop { index }),
        8 => (1..300_u64).prop_map(|millis| Step::Tick { millis, delivering: false }),
        1 => (300..1_500_u64).prop_map(|millis| Step::Tick { millis, delivering: false }),
        1 => (0..size, 0..3_u64).prop_map(|(who, lost)| Step::Crash { who, lost }),
        2 => trap.prop_map(|(who, record, durable)| Step::Trap { who, record, durable }),
        10 => (0..size, any::<bool>()).prop_map(|(who, answered)| Step::Restart { who, answered }),
        6 => lie.prop_map(|(kind, view, seq, choice, to)| Step::Lie { kind, view, seq, choice, to }),
    ]
    .boxed()
}

/// The steps of a run in which disks come to harm, too.
pub(crate) fn harmful_step(size: usize) -> BoxedStrategy<Step> {
    let harm = prop_oneof![Just(Harm::Wiped), Just(Harm::Forgotten), Just(Harm::Restored), Just(Harm::Damaged)];
    prop_oneof![
        40 => step(size),
        3 => (50..1_500_u64).prop_map(|millis| Step::Tick { millis, delivering: true }),
        1 => (0..size, 0..size).prop_map(|(from, to)| Step::Block { from, to }),
        2 => Just(Step::Unblock),
        2 => (0..size).prop_map(|who| Step::BackUp { who }),
        2 => (0..size, harm).prop_map(|(who, harm)| Step::Harm { who, harm }),
        1 => any::<bool>().prop_map(|instant| Step::Transfers { instant }),
        1 => (0..size).prop_map(|who| Step::Install { who }),
        1 => (0..size).prop_map(|who| Step::Gone { who }),
    ]
    .boxed()
}
