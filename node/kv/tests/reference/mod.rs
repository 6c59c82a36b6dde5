//! The store's semantics said a second time and naively: whole snapshots by revision, no index, no budget. Of the store's crate it
//! uses what is said, and nothing of what is done.
#![allow(dead_code, reason = "each topic uses some of it")]

mod check;
mod range;
mod txn;

use std::collections::BTreeMap;

use tetrarch_kv::{Answered, Command, CommandResult, KeyRecord, KvError, Request, Response};

pub(crate) use range::{contains, select};

pub(crate) type Records = BTreeMap<Vec<u8>, KeyRecord>;

/// A key, what it was put to, and what was there before.
pub(crate) type Event = (Vec<u8>, Option<KeyRecord>, Option<KeyRecord>);

const SECOND: u64 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) ttl: u64,
    pub(crate) deadline: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) revision: u64,
    pub(crate) compacted: u64,
    /// All keys as they were at each revision.
    pub(crate) snapshots: BTreeMap<u64, Records>,
    pub(crate) events: BTreeMap<u64, Vec<Event>>,
    pub(crate) leases: BTreeMap<u64, Lease>,
}

impl Reference {
    pub(crate) fn new() -> Self {
        Self {
            revision: 1,
            compacted: 0,
            snapshots: BTreeMap::from([(1, Records::new())]),
            events: BTreeMap::new(),
            leases: BTreeMap::new(),
        }
    }

    pub(crate) fn latest(&self) -> &Records {
        &self.snapshots[&self.revision]
    }

    pub(crate) fn keys_of(&self, lease: u64) -> Vec<Vec<u8>> {
        self.latest().iter().filter(|(_, record)| record.lease == lease).map(|(key, _)| key.clone()).collect()
    }

    /// Ends leases by the time, in microseconds.
    pub(crate) fn begin_batch(&mut self, now: u64) {
        let mut due: Vec<_> = self
            .leases
            .iter()
            .filter(|(_, lease)| lease.deadline <= now)
            .map(|(id, lease)| (lease.deadline, *id))
            .collect();
        due.sort_unstable();
        due.into_iter().for_each(|(_, id)| self.end(id));
    }

    pub(crate) fn execute(&mut self, command: &Command, now: u64) -> CommandResult {
        let results = command.requests.iter().map(|request| self.ask(request, now)).collect();
        CommandResult { revision: self.revision, results: Ok(results) }
    }

    pub(crate) fn readable(&self, revision: u64) -> Result<&Records, KvError> {
        match revision {
            0 => Ok(self.latest()),
            future if future > self.revision => Err(KvError::FutureRevision),
            old if old < self.compacted => Err(KvError::Compacted),
            kept => Ok(&self.snapshots[&kept]),
        }
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
                let ttl = if *ttl < 2 { 2 } else { *ttl as u64 };
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
