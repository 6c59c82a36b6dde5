//! The state tree as it is stored: pages kept beside the rows that they vouch for.
//!
//! ```text
//!   a batch's changes ──note──▶ execution.changed     batch, part → rows: path, table, key, digest of the new value
//!                                     │ pass            at a checkpoint, and a share with each batch when much has changed
//!                                     ▼
//!                               execution.tree        place → page of sixteen branches
//!                               execution.paths       path → table, key: which row a leaf stands for
//!
//!   branch_at, prove, parts     what peers and clients ask, of a state that is folded
//!   is_due, replace             a part that a peer sent: judged, and put in place of what is here
//!   check, rebuild              after damage: find it, and build the tree anew from the rows
//! ```
//!
//! `crypto::state_tree` says how the tree is hashed. A page stands exactly where at least two leaves hang, so that the pages too follow
//! from the rows alone; only the root's stands once anything was folded, with however few leaves.
//!
//! All of it works on a [`Reader`](tetrarch_storage::Reader) or an [`Overlay`](crate::Overlay), and nothing is written but by whoever
//! takes the overlay's changes; [`rebuild`] alone writes by itself, because no single write could hold what it does.

mod changes;
mod check;
mod damage;
mod fold;
mod judge;
mod look;
mod pages;
mod part;
mod pass;
mod rebuild;
mod replace;
mod scan;

pub use changes::{changed_rows, note, note_first};
pub use check::check;
pub use damage::{Damage, DamageKind};
pub use judge::is_due;
pub use look::{branch_at, prove, root};
pub use pages::{CHANGED, PAGES, PATHS, TABLES};
pub use part::{part, parts};
pub use pass::{Pass, fold};
pub use rebuild::rebuild;
pub(crate) use replace::replace_folded;
pub use replace::{RowChange, replace};
