//! Whether a VIEW-CHANGE and a NEW-VIEW are of the right form (rules V-3, V-5), looked at one condition after the other.

use std::collections::BTreeSet;

use tetrarch_crypto::Domain;
use tetrarch_types::{NewView, Signed, ViewChange, encode};

use super::certificates::{is_prepared, is_signed, is_stable, primary, quorum};
use crate::chain::{Chain, WINDOW};

pub(crate) fn is_view_change(chain: &Chain, signed: &Signed<ViewChange>) -> bool {
    let ViewChange { view, stable, prepared } = &signed.payload;
    let low = stable.seq.get();
    let mut before = low;
    for certificate in prepared {
        let seq = certificate.seq.get();
        let in_place = seq > before && seq - low <= WINDOW && certificate.view < *view;
        if !in_place || !is_prepared(chain, certificate) {
            return false;
        }
        before = seq;
    }
    is_stable(chain, stable)
        && is_signed(chain, Domain::ViewChange, &encode(&signed.payload), signed.signer, &signed.signature)
}

/// All but whether its re-proposals follow.
pub(crate) fn is_new_view(chain: &Chain, signed: &Signed<NewView>) -> bool {
    let NewView { view, view_changes, proposals } = &signed.payload;
    let leader = primary(chain.size(), *view);
    let movers: Vec<u16> = view_changes.iter().map(|it| it.signer.get()).collect();
    let distinct: BTreeSet<u16> = movers.iter().copied().collect();
    let are_proposals = proposals.iter().all(|it| {
        it.signer == leader
            && it.payload.view == *view
            && is_signed(chain, Domain::PrePrepare, &encode(&it.payload), leader, &it.signature)
    });
    signed.signer == leader
        && movers.len() == quorum(chain.size())
        && distinct.into_iter().eq(movers)
        && view_changes.iter().all(|it| it.payload.view == *view && is_view_change(chain, it))
        && are_proposals
        && is_signed(chain, Domain::NewView, &encode(&signed.payload), leader, &signed.signature)
}
