//! Asking the primary to give way (rule V-10).

use tetrarch_types::View;

use super::revision::Revision;
use crate::execution::Context;
use crate::store::bounds::MOVE_INTERVAL;
use crate::store::failure::Failure;
use crate::store::rows::moves::{self, Move};
use crate::store::{Answered, KvError, Response};

impl Revision<'_, '_> {
    /// Accepts it once in [`MOVE_INTERVAL`], whatever view is named.
    pub(super) fn move_primary(&mut self, view: View, context: &Context) -> Result<Answered, Failure> {
        let next = moves::last(self.state)?.map(|last| last.at.plus(MOVE_INTERVAL));
        if let Some(next) = next.filter(|next| context.time < *next) {
            return Err(KvError::MovedRecently { next }.into());
        }
        moves::put(self.state, &Move { seq: context.seq, at: context.time, view });
        self.answer(Response::PrimaryAsked)
    }
}
