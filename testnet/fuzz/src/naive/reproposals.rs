//! What a new view has to propose again (rule V-6), number by number.

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, PrePrepare, PreparedCertificate, SeqNum, Signed, View, ViewChange};

/// From the highest stable checkpoint to the highest prepared number: what was prepared in the highest view, else nothing.
pub(crate) fn reproposals(view: View, view_changes: &[Signed<ViewChange>]) -> Vec<PrePrepare> {
    let low = view_changes.iter().map(|it| it.payload.stable.seq.get()).max().unwrap_or(0);
    let shown: Vec<&PreparedCertificate> = view_changes.iter().flat_map(|it| &it.payload.prepared).collect();
    let high = shown.iter().map(|it| it.seq.get()).max().unwrap_or(0);
    (1..=high.saturating_sub(low))
        .map(|offset| SeqNum::new(low + offset))
        .map(|seq| PrePrepare { view, seq, digest: winner(&shown, seq) })
        .collect()
}

fn winner(shown: &[&PreparedCertificate], seq: SeqNum) -> Digest {
    let mut best: Option<&PreparedCertificate> = None;
    for certificate in shown.iter().filter(|it| it.seq == seq) {
        if best.is_none_or(|best| best.view < certificate.view) {
            best = Some(certificate);
        }
    }
    best.map_or_else(|| Batch { timestamp: Default::default(), transactions: Vec::new() }.digest(), |it| it.digest)
}
