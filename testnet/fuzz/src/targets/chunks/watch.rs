//! What must hold with everything that an installation says, and at its end.

use std::time::Duration;

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_kv::InstallEvent;
use tetrarch_types::{Fetch, ReplicaId, limits};

use super::states::{DONOR, replicated};
use super::{PATIENCE, PEERS, Question, Scene};
use crate::chain::id;
use crate::trace;

impl Scene {
    pub(super) fn see(&mut self, events: Vec<InstallEvent>) {
        for event in events {
            trace::note("  ", &event);
            match event {
                InstallEvent::Ask { to, fetch } => self.ask(to, fetch),
                InstallEvent::Liar { peer } => {
                    assert!(self.lied.contains(&peer), "{peer} never lied");
                    self.liars.insert(peer);
                }
                InstallEvent::Installed { certificate, applied } => {
                    assert_eq!(certificate, self.target);
                    assert_eq!((applied.executed, applied.damaged), (certificate.seq, false));
                    self.check();
                }
                InstallEvent::Gone { checkpoint } => assert_eq!(checkpoint, self.target.seq),
            }
        }
        let outstanding = self.installation.progress().map_or(0, |progress| progress.outstanding as usize);
        assert!(outstanding <= PEERS * tetrarch_kv::transfer::MAX_REQUESTS * limits::MAX_STATE_PARTS);
    }

    fn ask(&mut self, to: ReplicaId, fetch: Fetch) {
        let Fetch::State { checkpoint, parts, rows_up_to } = fetch else {
            panic!("{fetch:?} is no question for a state")
        };
        assert_eq!(checkpoint, self.target.seq);
        assert!((1..=limits::MAX_STATE_PARTS).contains(&parts.len()) && parts.iter().all(Prefix::is_valid));
        assert!(!self.liars.contains(&to), "a liar is asked again");
        self.asked.push(Question { to, places: parts, rows_up_to, at: self.now });
    }

    /// Row by row the donor's state, and it goes on as that did.
    fn check(&mut self) {
        self.installed += 1;
        for (here, due) in replicated(&*self.store).iter().zip(DONOR.dump(self.target.seq)) {
            assert!(here == due, "{:?} is not as certified", due.0);
        }
        self.asked.clear();
    }

    /// The honest peer answers everything now, and the others nothing.
    pub(super) fn end(&mut self) {
        for _ in 0..PATIENCE {
            if self.installation.deadline().is_none() {
                break;
            }
            match self.asked.iter().position(|question| question.to == id(1)) {
                Some(at) => self.answer(at as u8, |_| (), None, false),
                None => {
                    self.asked.clear();
                    self.wait(Duration::from_millis(500));
                }
            }
        }
        assert!(
            self.installed > 0,
            "an honest peer answers everything, and it does not end: {:?}",
            self.installation.progress()
        );
        let next = DONOR.batches.iter().filter(|batch| batch.seq > self.target.seq);
        next.take(2).for_each(|batch| assert!(self.state.execute(batch).is_ok()));
        let (seq, state_root) = self.state.last_checkpoint();
        let known = DONOR.certificates.iter().any(|it| (it.seq, it.state_root) == (seq, state_root));
        assert!(known, "it goes on as the others do");
    }
}
