//! What oracles are shown. Only honest replicas are watched; of what clients see, everything.

use std::rc::Rc;

use tetrarch_crypto::Digest;
use tetrarch_kv::{Executed, StoredReply};
use tetrarch_replica::{Event, Record, Sizes};
use tetrarch_types::{
    CommittedBatch, Outcome, Refusal, ReplicaId, SeqNum, TentativeResults, Time, Timestamp, Transaction, TransactionId,
};

use crate::client::Flaw;
use crate::letter::Letter;

/// One observation.
#[derive(Clone, Debug)]
pub enum Sight {
    /// A signed message left an honest replica.
    Sent {
        /// Which replica.
        by: ReplicaId,
        /// The message.
        message: Rc<Letter>,
    },
    /// A record became durable.
    Recorded {
        /// Whose.
        by: ReplicaId,
        /// The record.
        record: Record,
    },
    /// A replica handed a batch to execution.
    Executing {
        /// Which replica.
        by: ReplicaId,
        /// The batch with its proof.
        batch: Rc<CommittedBatch>,
    },
    /// A replica handed a batch with transactions to execution.
    Stamped {
        /// Which replica.
        by: ReplicaId,
        /// Which batch.
        seq: SeqNum,
        /// The batch's stamp.
        stamp: Timestamp,
        /// The latest time that a clock which is not wrong can show at this moment.
        latest: Timestamp,
    },
    /// A replica executed a batch.
    Executed {
        /// Which replica.
        by: ReplicaId,
        /// What came of it.
        executed: Executed,
    },
    /// A replica tells clients what a batch comes to that is prepared there and not decided.
    ToldEarly {
        /// Which replica.
        by: ReplicaId,
        /// What it signs for them.
        results: TentativeResults,
    },
    /// A replica's machine does not do what a machine must.
    Misbehaved {
        /// Which replica's.
        by: ReplicaId,
        /// At which command, and what.
        what: String,
    },
    /// The workload was asked about a replica's state.
    Judged {
        /// Which replica's.
        by: ReplicaId,
        /// Behind which batch.
        seq: SeqNum,
        /// What it said.
        verdict: Result<(), String>,
    },
    /// A replica observed something.
    Observed {
        /// Which replica.
        by: ReplicaId,
        /// What.
        event: Event,
    },
    /// Records of a replica's votes are gone from its disk. From here on its own disk does not show what it said before.
    Forgot {
        /// Which replica.
        by: ReplicaId,
        /// Whether its disk shows that something is missing.
        shows: bool,
    },
    /// A replica came back after a crash, or from a state that it fetched.
    Restarted {
        /// Which replica.
        by: ReplicaId,
        /// How far its state is.
        executed: SeqNum,
    },
    /// What a replica holds, in memory and in its journal.
    Held {
        /// Which replica.
        by: ReplicaId,
        /// In memory.
        sizes: Sizes,
        /// Entries in its journal.
        journal: u64,
        /// Its stable checkpoint.
        stable: SeqNum,
    },
    /// A client signed a transaction and sends it for the first time.
    Issued {
        /// The transaction.
        transaction: Transaction,
        /// When.
        at: Time,
    },
    /// A hostile client sends a transaction that must never be carried out.
    Flawed {
        /// Which.
        transaction: TransactionId,
        /// Why it must not.
        flaw: Flaw,
    },
    /// A replica refuses a transaction.
    Refused {
        /// Which replica.
        by: ReplicaId,
        /// The transaction.
        transaction: TransactionId,
        /// Why.
        refusal: Refusal,
    },
    /// A client holds f + 1 refusals that say that another transaction spent the nonce of this one.
    ToldNever {
        /// The transaction.
        transaction: TransactionId,
    },
    /// A client holds a quorum of matching replies.
    Told {
        /// The answer.
        answer: Told,
        /// When.
        at: Time,
    },
    /// At the end: where a replica is.
    Ended {
        /// Which replica.
        by: ReplicaId,
        /// The last batch that it executed.
        executed: SeqNum,
        /// Every row of its state under the root, in one digest.
        state: Digest,
    },
    /// At the end: what a replica still knows about a transaction that a client was answered.
    Kept {
        /// Which replica.
        by: ReplicaId,
        /// The transaction.
        transaction: TransactionId,
        /// What its reply cache has.
        reply: Option<StoredReply>,
    },
}

/// What a client believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which transaction.
    pub transaction: TransactionId,
    /// In which batch.
    pub seq: SeqNum,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether some of the replies are of what is prepared, and not decided.
    pub is_early: bool,
}
