//! The store's semantics said a second time and naively: whole snapshots by revision, no index, no budget.
//!
//! Of the store's crate it uses what is said, and nothing of what is done: where both agree, and one of them is right by
//! inspection, so is the other. It knows neither how much one may ask for at once nor how much is kept: who compares stays below that.

#![forbid(unsafe_code)]

mod check;
mod range;
mod txn;

use std::collections::BTreeMap;

use tetrarch_kv::{Answered, Command, CommandResult, KeyRecord, KvError, Request, Response};
use tetrarch_types::Timestamp;

pub use range::{contains, select};

/// Keys and their records.
pub type Records = BTreeMap<Vec<u8>, KeyRecord>;

/// A key, what it was put to, and what was there before.
pub type Event = (Vec<u8>, Option<KeyRecord>, Option<KeyRecord>);

const SECOND: u64 = 1_000_000;

/// A lease. What hangs on it is what names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its time to live, in seconds.
    pub ttl: u64,
    /// When it ends, in microseconds of agreed time.
    pub deadline: u64,
}

/// The whole store.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Moved up by every request that changes a key.
    pub revision: u64,
    /// The first revision that can be read; 0: all.
    pub compacted: u64,
    /// All keys as they were at each revision.
    pub snapshots: BTreeMap<u64, Records>,
    /// What happened at each revision.
    pub events: BTreeMap<u64, Vec<Event>>,
    /// By id.
    pub leases: BTreeMap<u64, Lease>,
    /// When the primary was last asked to give way, in microseconds of agreed time.
    pub moved: Option<u64>,
}

impl Default for Reference {
    fn default() -> Self {
        Self {
            revision: 1,
            compacted: 0,
            snapshots: BTreeMap::from([(1, Records::new())]),
            events: BTreeMap::new(),
            leases: BTreeMap::new(),
            moved: None,
        }
    }
}

impl Reference {
    /// All keys as they are now.
    pub fn latest(&self) -> &Records {
        static NOTHING: Records = Records::new();
        self.snapshots.get(&self.revision).unwrap_or(&NOTHING)
    }

    /// What hangs on a lease.
    pub fn keys_of(&self, lease: u64) -> Vec<Vec<u8>> {
        self.latest().iter().filter(|(_, record)| record.lease == lease).map(|(key, _)| key.clone()).collect()
    }

    /// What the beginning of a batch does: leases whose deadlines have passed end. The agreed time is in microseconds.
    pub fn begin_batch(&mut self, now: u64) {
        let mut due: Vec<_> = self
            .leases
            .iter()
            .filter(|(_, lease)| lease.deadline <= now)
            .map(|(id, lease)| (lease.deadline, *id))
            .collect();
        due.sort_unstable();
        due.into_iter().for_each(|(_, id)| self.end(id));
    }

    /// Carries out a command.
    pub fn execute(&mut self, command: &Command, now: u64) -> CommandResult {
        let results = command.requests.iter().map(|request| self.ask(request, now)).collect();
        CommandResult { revision: self.revision, results: Ok(results) }
    }

    /// All keys as they were at a revision; 0 is the latest.
    ///
    /// # Errors
    /// [`KvError::FutureRevision`], [`KvError::Compacted`].
    pub fn readable(&self, revision: u64) -> Result<&Records, KvError> {
        match revision {
            0 => Ok(self.latest()),
            future if future > self.revision => Err(KvError::FutureRevision),
            old if old < self.compacted => Err(KvError::Compacted),
            kept => self.snapshots.get(&kept).ok_or(KvError::Compacted),
        }
    }

    /// Forgets the past: for who reads none, and copies often.
    pub fn forget(&mut self) {
        let latest = self.revision;
        self.snapshots.retain(|revision, _| *revision == latest);
        self.events.clear();
    }

    fn ask(&mut self, request: &Request, now: u64) -> Result<Answered, KvError> {
        check::request(request)?;
        let response = match request {
            Request::Compact { revision } => {
                if *revision <= self.compacted {
                    return Err(KvError::Compacted);
                }
                if *revision > self.revision {
                    return Err(KvError::FutureRevision);
                }
                self.compacted = *revision;
                Response::Compacted
            }
            Request::LeaseGrant { id, ttl } => {
                if self.leases.contains_key(id) {
                    return Err(KvError::LeaseExists);
                }
                let ttl = u64::try_from(*ttl).unwrap_or(0).max(2);
                self.leases.insert(*id, Lease { ttl, deadline: now + ttl * SECOND });
                Response::LeaseGranted { id: *id, ttl }
            }
            Request::LeaseRevoke { id } => {
                if !self.leases.contains_key(id) {
                    return Err(KvError::LeaseNotFound);
                }
                self.end(*id);
                Response::LeaseRevoked
            }
            Request::LeaseKeepAlive { id } => {
                let mut kept = 0;
                if let Some(lease) = self.leases.get_mut(id).filter(|lease| lease.deadline > now) {
                    lease.deadline = now + lease.ttl * SECOND;
                    kept = lease.ttl;
                }
                Response::LeaseKept { id: *id, ttl: kept }
            }
            Request::MovePrimary { .. } => {
                if let Some(moved) = self.moved.filter(|moved| now < moved + 60 * SECOND) {
                    return Err(KvError::MovedRecently { next: Timestamp::from_micros(moved + 60 * SECOND) });
                }
                self.moved = Some(now);
                Response::PrimaryAsked
            }
            keys => return self.change_keys(keys),
        };
        Ok(Answered { revision: self.revision, response })
    }

    fn end(&mut self, id: u64) {
        let mut draft = txn::Draft::of(self);
        self.keys_of(id).into_iter().for_each(|key| draft.delete(&key));
        self.adopt(draft);
        self.leases.remove(&id);
    }

    fn change_keys(&mut self, request: &Request) -> Result<Answered, KvError> {
        let mut draft = txn::Draft::of(self);
        let answered = draft.request(self, request)?;
        self.adopt(draft);
        Ok(answered)
    }

    fn adopt(&mut self, draft: txn::Draft) {
        if !draft.events.is_empty() {
            self.revision += 1;
            self.snapshots.insert(self.revision, draft.records);
            self.events.insert(self.revision, draft.events);
        }
    }
}
