//! A small state under a root, and one valid specimen of everything that is said of it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix, TreeProof, value_digest};
use tetrarch_types::{
    Commit, Fetch, Held, HeldVote, Message, Payload, PrePrepare, Prepare, SeqNum, Signable, Signed, StatePart,
    StateProof, StateRow, Supply, View,
};

use super::{Chain, VIEW, digest, id, seq};

/// How many rows the state has; their numbers are 0 to one less.
pub(crate) const ROWS: usize = 40;

/// The checkpoint that vouches for the state.
pub(crate) const STABLE: SeqNum = SeqNum::new(8);

/// The row with this number, there or not.
pub(crate) fn row(number: usize) -> StateRow {
    let key = format!("key {number}").into_bytes();
    StateRow { table: "kv.records".into(), key, value: format!("value {number}").into_bytes() }
}

fn leaves() -> Vec<Leaf> {
    let leaf = |row: StateRow| (row.path(), value_digest(&row.value));
    (0..ROWS).map(|number| leaf(row(number))).collect::<BTreeMap<Path, Digest>>().into_iter().collect()
}

pub(crate) fn state_root() -> Digest {
    Branch::over(&leaves(), 0).digest()
}

fn below(place: &Prefix) -> Vec<Leaf> {
    leaves().into_iter().filter(|(path, _)| place.contains(path)).collect()
}

pub(crate) fn page(place: &Prefix) -> Page {
    let mut page = Page::default();
    for nibble in 0..16 {
        let child = place.child(nibble);
        page.set(nibble, Branch::over(&below(&child), child.len() * 4));
    }
    page
}

/// The rows below a place, ascending by path.
pub(crate) fn rows(place: &Prefix) -> Vec<StateRow> {
    let mut rows: Vec<StateRow> = (0..ROWS).map(row).filter(|row| place.contains(&row.path())).collect();
    rows.sort_by_key(StateRow::path);
    rows
}

pub(crate) fn tree_proof(path: &Path) -> TreeProof {
    let place = |depth| Prefix::new((0..depth).map(|at| path.nibble(at)).collect()).unwrap();
    TreeProof::build(path, |depth| Ok::<_, Infallible>(page(&place(depth)))).unwrap()
}

impl Chain {
    /// The proof of a row under a stable checkpoint: present with its value, or absent.
    pub(crate) fn state_proof(&self, number: usize) -> StateProof {
        let StateRow { table, key, value } = row(number);
        let proof = tree_proof(&Path::of(&table, &key));
        let certificate = self.checkpoint_of(STABLE, state_root());
        StateProof { certificate, table, key, value: (number < ROWS).then_some(value), proof }
    }

    /// What a member holds of the primary of [`VIEW`]: a vote of each kind, and its VIEW-CHANGE.
    pub(crate) fn held(&self) -> Held {
        let about = self.primary();
        let (earlier, here, digest) = (View::new(4), seq(9), digest(0x21));
        let votes = vec![
            HeldVote::PrePrepare(self.signed(PrePrepare { view: VIEW, seq: here, digest }, about)),
            HeldVote::Prepare(self.signed(Prepare { view: earlier, seq: here, digest }, about)),
            HeldVote::Commit(self.signed(Commit { view: earlier, seq: here, digest }, about)),
        ];
        let view_change = Some(Box::new(self.signed(self.view_change(), about)));
        Held { about, start: 77, view: View::new(3), stable: self.checkpoint(STABLE), votes, view_change }
    }

    /// A page and some rows of the state.
    pub(crate) fn state_parts(&self) -> Vec<(Prefix, StatePart)> {
        let place = Prefix::ROOT.child(row(0).path().nibble(0));
        let rows = StatePart::Rows(rows(&place));
        vec![(Prefix::ROOT, StatePart::Page(Box::new(page(&Prefix::ROOT)))), (place, rows)]
    }

    /// One valid message of every variant that a start or a state transfer needs.
    pub(crate) fn state_messages(&self) -> Vec<(&'static str, Message)> {
        let fetch = |fetch| self.message(Payload::Fetch(fetch), self.backup());
        let supply = |supply| self.message(Payload::Supply(supply), self.backup());
        let places = self.state_parts().into_iter().map(|(place, _)| place).collect();
        vec![
            ("Fetch::Held", fetch(Fetch::Held { start: 77 })),
            ("Fetch::State", fetch(Fetch::State { checkpoint: STABLE, parts: places, rows_up_to: 4_096 })),
            ("Supply::Held", supply(Supply::Held(self.held()))),
            ("Supply::State", supply(Supply::State { checkpoint: STABLE, parts: self.state_parts() })),
            ("Supply::NoState", supply(Supply::NoState { checkpoint: STABLE })),
            ("Supply::Stable", supply(Supply::Stable(self.checkpoint(STABLE)))),
        ]
    }

    /// A statement in the name of one member under the signature of another.
    pub(crate) fn forged<T: Signable>(&self, payload: T, as_signer: usize, by: usize) -> Signed<T> {
        let signature = self.signature(&payload, id(by));
        Signed { payload, signer: id(as_signer), signature }
    }
}
