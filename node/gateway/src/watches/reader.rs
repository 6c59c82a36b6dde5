//! A place in the story.

use std::sync::Arc;

use tetrarch_kv_client::Backend;
use tetrarch_kv_client::watch::{Compacted, Happened, Watch};
use tetrarch_types::Host;

use super::histories::Place;
use super::hub::Shared;
use super::log::Found;
use crate::messages::ResponseHeader;
use crate::translate::header;

/// Reads on from a revision: in the log where it is there, else in the cluster's history, until it comes to the log.
#[derive(Debug)]
pub(crate) struct Reader<B> {
    hub: Arc<Shared<B>>,
    next: u64,
    with_previous: bool,
    host: Host,
    /// What was compacted before this began is gone, though the log may have it, and a replica that is late its history.
    compacted: u64,
    /// A follower of its own, and its place among those.
    history: Option<(Watch, Place)>,
}

impl<B: Backend> Reader<B> {
    pub(super) fn new(hub: Arc<Shared<B>>, next: u64, with_previous: bool, host: Host) -> Self {
        let compacted = hub.compacted();
        Self { hub, next, with_previous, host, compacted, history: None }
    }

    /// Waits for the next revision. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// [`Compacted`] if that is gone.
    pub(crate) async fn next(&mut self) -> Result<Arc<Happened>, Compacted> {
        if self.next < self.compacted {
            return Err(Compacted { revision: self.compacted });
        }
        self.give_way();
        let happened = loop {
            match self.hub.find(self.next) {
                Found::Here(happened) => {
                    self.history = None;
                    break happened;
                }
                Found::Later => {
                    // What is yet to come will be in the log.
                    self.let_go();
                    self.hub.wait_for(self.next).await;
                }
                Found::Earlier => match &mut self.history {
                    Some((watch, _)) => break Arc::new(watch.next().await?),
                    None => self.look_back().await,
                },
            }
        };
        self.next = happened.revision + 1;
        Ok(happened)
    }

    /// Leaves out what is not to be told and is in the log, or some of it. The next revision is still waited for as any other.
    pub(crate) fn pass_over(&mut self, is_told: impl Fn(&Happened) -> bool) {
        if self.history.is_none() {
            self.next = self.hub.pass_over(self.next, is_told);
        }
    }

    /// A response's header.
    pub(crate) fn header(&self, revision: u64) -> ResponseHeader {
        header(self.hub.backend.standing(), revision)
    }

    /// The last revision of the log, if all up to it was read.
    pub(crate) fn knows_all(&self) -> Option<u64> {
        self.hub.believed().filter(|believed| self.next > *believed)
    }

    /// The revision that comes next.
    pub(crate) const fn place(&self) -> u64 {
        self.next
    }

    /// Goes back to a revision, and holds nothing until it is asked for it.
    pub(crate) fn go_back(&mut self, revision: u64) {
        self.let_go();
        self.next = revision;
    }

    /// Holds nothing until it is asked for the next revision: whoever waits for a client has no place in the history.
    pub(crate) fn let_go(&mut self) {
        self.history = None;
    }

    /// Gives up the place in the history if others wait for one and had to for long enough. It is waited for again where the next revision needs it; at
    /// least one was read meanwhile, so that everybody comes to the end.
    pub(crate) fn give_way(&mut self) {
        if self.history.as_ref().is_some_and(|(_, place)| place.is_over()) {
            self.let_go();
        }
    }

    /// Begins to follow the history, when there is a place for that.
    async fn look_back(&mut self) {
        if let Some(place) = self.hub.histories.place(self.host).await {
            let watch = Watch::from(self.hub.backend.clone(), self.next, self.with_previous);
            self.history = Some((watch, place));
        }
    }
}
