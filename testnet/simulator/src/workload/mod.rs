//! What a simulated cluster runs, and what its clients ask of it: Tetrarch's own store ([`KvWorkload`]) or a machine of somebody else's.
//!
//! ```text
//!   Workload ─┬─ machine    one for each start of each replica            judged by: every oracle
//!             ├─ generator  one for each client: what it asks next
//!             ├─ abuse      what hostile clients ask
//!             ├─ model      one for the run: what the answers should be   judged by: "history"
//!             ├─ sequential the same for those who see answers alone      judged by: "linearizability"
//!             └─ check      what must hold in every state                 judged by: "invariant"
//! ```

mod abuse;
mod alone;
mod kv;
mod sequential;
mod show;

use tetrarch_kv::{Context, StateMachine};
use tetrarch_storage::Reader;
use tetrarch_types::Timestamp;

pub use abuse::{Abuse, LARGE, mangled};
pub use alone::Alone;
pub use kv::{KvModel, KvWorkload};
pub use sequential::Sequential;
pub use show::text_or_hex;

use crate::rng::Rng;

/// A state machine with everything that a harness must know to try it. Only the first two must be written.
///
/// It is shared by all replicas and clients of a run, and by runs on several threads: what changes belongs into what it makes.
pub trait Workload: Send + Sync {
    /// A machine as it is when a node's process starts. It is called for every start of every replica, so that what a machine keeps
    /// in itself is lost where a real one would lose it; and once more for each command, to see whether a machine that knows nothing
    /// of earlier ones comes to the same.
    fn machine(&self) -> Box<dyn StateMachine>;

    /// What client number `client` asks for; there are up to four. Few names and small numbers get clients into each other's way,
    /// which is where mistakes are.
    fn generator(&self, client: usize) -> Box<dyn Generator>;

    /// What a hostile client asks for. If it is not written: what an honest client asks first, too long or mangled as need be.
    fn abuse(&self, abuse: Abuse, rng: &mut Rng) -> Vec<u8> {
        abuse.of(self.generator(0), rng)
    }

    /// What the answers should be. If it is not written, the same machine [`Alone`]: one that never crashes, on a store without
    /// replicas. A model of your own, written otherwise than the machine, also finds what is wrong everywhere alike.
    fn model(&self) -> Box<dyn Model> {
        Box::new(Alone::new(self.machine()))
    }

    /// What explains answers to those who know nothing of the one order: without it, "linearizability" is not judged.
    fn sequential(&self) -> Option<Box<dyn Sequential>> {
        None
    }

    /// Whether what must always hold does hold in a state: that of a replica behind a whole batch. It is asked once for each batch,
    /// and of every replica at the end. `state` has the machine's tables.
    ///
    /// # Errors
    /// What does not hold. It does not count if a read of `state` failed: disks go bad, and that is for replicas to repair.
    fn check(&self, state: &dyn Reader) -> Result<(), String> {
        let _ = state;
        Ok(())
    }

    /// A command for people, in findings and traces.
    fn show_command(&self, command: &[u8]) -> String {
        text_or_hex(command)
    }

    /// A result for people.
    fn show_result(&self, result: &[u8]) -> String {
        text_or_hex(result)
    }
}

/// What one client asks for, command by command. All chance comes from the [`Rng`] that it is given, or no seed replays.
pub trait Generator {
    /// The next command: at most [`MAX_COMMAND_BYTES`](tetrarch_types::limits::MAX_COMMAND_BYTES). Commands that the machine refuses,
    /// or that are nonsense, are welcome among them: replicas that lie may have anything ordered.
    fn next(&mut self, rng: &mut Rng) -> Vec<u8>;

    /// A command's result, which a quorum of replicas vouches for. Results come in any order.
    fn learn(&mut self, command: &[u8], result: &[u8]) {
        let _ = (command, result);
    }
}

/// A machine said a second time, and simply: it is shown every command in the one order, from the first, and says what the result
/// must be, also of nonsense. Results that the machine's envelope cuts off
/// ([`MAX_RESULT_BYTES`](tetrarch_types::limits::MAX_RESULT_BYTES)) are the model's to know.
pub trait Model {
    /// The beginning of a batch, with the agreed time of all its commands; also of one whose commands are all skipped.
    fn begin_batch(&mut self, time: Timestamp) {
        let _ = time;
    }

    /// The result's bytes.
    fn execute(&mut self, context: &Context, command: &[u8]) -> Vec<u8>;
}
