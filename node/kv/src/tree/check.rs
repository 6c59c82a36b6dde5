//! Reading everything once: every page against the one above, every row against its leaf, every index row counted.
//!
//! ```text
//!   pages from the root down ──▶ leaves ──▶ execution.paths ──▶ rows          missing, different, unreadable
//!   execution.changed, first ──────────────────────────────▶ rows          in place of their leaves
//!   tables counted           ──▶ other than what was met? then each row of them is looked up          not due at all
//! ```

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Path, Prefix, value_digest};
use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table};

use super::changes::{self, Change, Number, number_of};
use super::damage::{Damage, DamageKind};
use super::look::descend;
use super::pages::{CHANGED, PAGES, PATHS, named, owner, page, path_of, place_on};
use super::scan::{Piece, scan};

/// Damaged places and rows that are remembered, so that what follows from them is not told again.
const REMEMBERED: usize = 4_096;

/// Reads the whole state, in the order of the tree, and tells `found` everything that is not as it should be.
///
/// What changed since the tree was folded is taken into account. Below a damaged page nothing is told of but rows that cannot be read, and
/// so it is everywhere if a list of those changes is damaged. Returns how many rows were read. Whether the root is the right one is for the
/// caller to say. Memory does not grow with the state, but by fifty bytes for each change since the tree was folded.
///
/// # Errors
/// What the store says, except that something is damaged.
pub fn check(reader: &dyn Reader, rooted: &[Table], found: &mut dyn FnMut(Damage)) -> Result<u64, StoreError> {
    let mut walk = Walk {
        reader,
        rooted,
        found,
        changed: Vec::new(),
        is_changed_known: true,
        counts: BTreeMap::new(),
        broken: Vec::new(),
        unreadable: Vec::new(),
    };
    walk.lists()?;
    walk.page(&Prefix::ROOT, None)?;
    walk.changes()?;
    for table in [&[PAGES, PATHS], rooted].concat() {
        walk.count(table)?;
    }
    Ok(rooted.iter().filter_map(|table| walk.counts.get(table)).sum())
}

struct Walk<'c> {
    reader: &'c dyn Reader,
    rooted: &'c [Table],
    found: &'c mut dyn FnMut(Damage),
    /// What changed since the tree was folded: paths, ascending, and in which list they stand last.
    changed: Vec<(Path, Number)>,
    /// Whether that is all that did.
    is_changed_known: bool,
    /// Rows met and readable, for each table.
    counts: BTreeMap<Table, u64>,
    /// Places with a page that cannot be trusted.
    broken: Vec<Prefix>,
    /// Rows that were told to be unreadable.
    unreadable: Vec<(Table, Vec<u8>)>,
}

impl Walk<'_> {
    /// The page at a place, where the one above says that there is one with this digest, and all below it.
    fn page(&mut self, place: &Prefix, due: Option<Digest>) -> Result<(), StoreError> {
        let page = match page(self.reader, place) {
            Ok(Some(page)) => page,
            Ok(None) if due.is_none() && self.nothing_was_folded()? => return Ok(()),
            Ok(None) => return self.broken(place, DamageKind::Missing),
            Err(error) => return self.broken(place, unreadable(error)?),
        };
        self.met(PAGES);
        if !page.fits(place) || due.is_some_and(|due| page.joined().digest() != due) {
            return self.broken(place, DamageKind::Differs);
        }
        for (nibble, branch) in (0..).zip(page.0) {
            match branch {
                Branch::Empty => {}
                Branch::Leaf { path, value } => self.leaf(&path, value, place.child(nibble))?,
                Branch::Node(digest) => self.page(&place.child(nibble), Some(digest))?,
            }
        }
        Ok(())
    }

    fn nothing_was_folded(&self) -> Result<bool, StoreError> {
        let any = |table| self.reader.scan(table, &[], &[], Direction::Ascending, 1);
        match any(PAGES).and_then(|pages| Ok(pages.is_empty() && any(PATHS)?.is_empty())) {
            Err(StoreError::Corrupt { .. }) => Ok(false),
            other => other,
        }
    }

    /// A leaf, with its row's place in the tables and, unless it changed since, its row.
    fn leaf(&mut self, path: &Path, value: Digest, place: Prefix) -> Result<(), StoreError> {
        let at = || path.as_bytes().to_vec();
        let (name, key) = match owner(self.reader, path) {
            Ok(Some(owner)) => owner,
            Ok(None) => return self.tell(place, PATHS, at(), DamageKind::Missing),
            Err(error) => {
                remember(&mut self.unreadable, (PATHS, at()));
                return self.tell(place, PATHS, at(), unreadable(error)?);
            }
        };
        self.met(PATHS);
        let table = named(self.rooted, &name).filter(|_| Path::of(&name, &key) == *path);
        let Some(table) = table else { return self.tell(place, PATHS, at(), DamageKind::Differs) };
        if self.is_changed(path) { Ok(()) } else { self.row(place, table, key, Some(value)) }
    }

    fn is_changed(&self, path: &Path) -> bool {
        self.last_list(path).is_some()
    }

    /// The last list that speaks of a path, if one does.
    fn last_list(&self, path: &Path) -> Option<Number> {
        let at = self.changed.binary_search_by_key(path, |(changed, _)| *changed).ok()?;
        self.changed.get(at).map(|(_, list)| *list)
    }

    /// A row, and the digest due of its value; none if it should not be there.
    fn row(&mut self, place: Prefix, table: Table, key: Vec<u8>, due: Option<Digest>) -> Result<(), StoreError> {
        let kind = match (self.reader.get(table, &key), due) {
            (Err(error), _) => {
                remember(&mut self.unreadable, (table, key.clone()));
                unreadable(error)?
            }
            (Ok(None), None) => return Ok(()),
            (Ok(None), Some(_)) => DamageKind::Missing,
            (Ok(Some(value)), due) => {
                self.met(table);
                match due {
                    Some(due) if value_digest(&value) == due => return Ok(()),
                    Some(_) => DamageKind::Differs,
                    None => DamageKind::Extra,
                }
            }
        };
        let is_certain = self.is_changed_known || matches!(kind, DamageKind::Unreadable(_));
        if is_certain { self.tell(place, table, key, kind) } else { Ok(()) }
    }

    /// Reads what changed since the tree was folded.
    fn lists(&mut self) -> Result<(), StoreError> {
        scan(self.reader, CHANGED, &mut |piece| match piece {
            Piece::Rows(rows) => rows.iter().try_for_each(|row| self.list(row)),
            Piece::Gap { from, to, reason } => {
                self.is_changed_known = false;
                self.gap(CHANGED, from, to, reason)
            }
        })?;
        self.changed.reverse();
        self.changed.sort_by_key(|(path, _)| *path);
        self.changed.dedup_by_key(|(path, _)| *path);
        Ok(())
    }

    fn list(&mut self, row: &Pair) -> Result<(), StoreError> {
        let is_sound = |change: &Change| {
            named(self.rooted, &change.table).is_some() && Path::of(&change.table, &change.key) == change.path
        };
        let kind = match changes::read(row) {
            Ok(changes) if changes.iter().all(is_sound) => {
                let list = number_of(&row.0)?;
                self.changed.extend(changes.iter().map(|change| (change.path, list)));
                return Ok(());
            }
            Ok(_) => DamageKind::Differs,
            Err(error) => unreadable(error)?,
        };
        self.is_changed_known = false;
        self.tell(Prefix::ROOT, CHANGED, row.0.clone(), kind)
    }

    /// Every row that changed since the tree was folded.
    fn changes(&mut self) -> Result<(), StoreError> {
        scan(self.reader, CHANGED, &mut |piece| match piece {
            Piece::Rows(rows) => rows.iter().try_for_each(|row| self.change(row)),
            Piece::Gap { .. } => Ok(()),
        })
    }

    /// The rows that a list was the last to speak of. What is wrong with the list was told.
    fn change(&mut self, row: &Pair) -> Result<(), StoreError> {
        let (Ok(list), Ok(changes)) = (number_of(&row.0), changes::read(row)) else { return Ok(()) };
        for change in changes {
            let table = named(self.rooted, &change.table).filter(|_| self.last_list(&change.path) == Some(list));
            if let Some(table) = table {
                self.row(place_on(&change.path, Path::NIBBLES), table, change.key, change.value)?;
            }
        }
        Ok(())
    }

    /// Counts a table's rows; if they are not those that were met, looks for the ones that nothing led to.
    fn count(&mut self, table: Table) -> Result<(), StoreError> {
        let mut seen = 0;
        scan(self.reader, table, &mut |piece| match piece {
            Piece::Rows(rows) => {
                seen += rows.len() as u64;
                Ok(())
            }
            Piece::Gap { from, to, reason } => self.gap(table, from, to, reason),
        })?;
        // Too much is wrong to tell what nothing leads to from what only seems so.
        if seen == self.counts.get(&table).copied().unwrap_or(0) || self.broken.len() >= REMEMBERED {
            return Ok(());
        }
        scan(self.reader, table, &mut |piece| match piece {
            Piece::Rows(rows) => rows.into_iter().try_for_each(|(key, _)| self.look_up(table, key)),
            Piece::Gap { .. } => Ok(()),
        })
    }

    /// Tells of a row that nothing in the tree leads to.
    fn look_up(&mut self, table: Table, key: Vec<u8>) -> Result<(), StoreError> {
        let (place, depth) = self.place_of(table, &key);
        let path = place.first();
        if self.broken.iter().any(|broken| broken.contains(&path) && broken.len() <= depth) {
            return Ok(());
        }
        let is_due = match descend(self.reader, &path, depth) {
            _ if depth == 0 => table == PAGES && key.is_empty(),
            Ok(Branch::Node(_)) => table == PAGES,
            Ok(Branch::Leaf { path: found, .. }) => table != PAGES && found == path,
            Ok(Branch::Empty) => false,
            // Told already.
            Err(error) => unreadable(error).map(|_| true)?,
        };
        let is_row = table != PAGES && table != PATHS;
        let is_new = is_row && (self.is_changed(&path) || !self.is_changed_known);
        if is_due || is_new { Ok(()) } else { self.tell(place, table, key, DamageKind::Extra) }
    }

    /// Where in the tree a table's row belongs, and how deep; the root for what belongs nowhere.
    fn place_of(&self, table: Table, key: &[u8]) -> (Prefix, usize) {
        let place = match table {
            PAGES => Prefix::new(key.to_vec()).unwrap_or_default(),
            PATHS => path_of(PATHS, key).map_or(Prefix::ROOT, |path| place_on(&path, Path::NIBBLES)),
            rows => place_on(&Path::of(rows.name(), key), Path::NIBBLES),
        };
        let depth = place.len();
        (place, depth)
    }

    fn met(&mut self, table: Table) {
        *self.counts.entry(table).or_default() += 1;
    }

    fn broken(&mut self, place: &Prefix, kind: DamageKind) -> Result<(), StoreError> {
        remember(&mut self.broken, place.clone());
        self.tell(place.clone(), PAGES, place.nibbles().to_vec(), kind)
    }

    fn tell(&mut self, place: Prefix, table: Table, key: Vec<u8>, kind: DamageKind) -> Result<(), StoreError> {
        (self.found)(Damage { place, table, keys: Some((key.clone(), key)), kind });
        Ok(())
    }

    /// A stretch of a table that cannot be read, unless it was told by its row.
    fn gap(&mut self, table: Table, from: Vec<u8>, to: Vec<u8>, reason: String) -> Result<(), StoreError> {
        let is_inside = |key: &[u8]| key >= from.as_slice() && (to.is_empty() || key < to.as_slice());
        let is_told = match table {
            PAGES => self.broken.iter().any(|place| is_inside(place.nibbles())),
            _ => self.unreadable.iter().any(|(other, key)| *other == table && is_inside(key)),
        };
        if !is_told {
            let kind = DamageKind::Unreadable(reason);
            (self.found)(Damage { place: Prefix::ROOT, table, keys: Some((from, to)), kind });
        }
        Ok(())
    }
}

/// Damage found by reading; any other error ends the check.
fn unreadable(error: StoreError) -> Result<DamageKind, StoreError> {
    match error {
        StoreError::Corrupt { .. } => Ok(DamageKind::Unreadable(error.to_string())),
        other => Err(other),
    }
}

fn remember<T>(list: &mut Vec<T>, item: T) {
    if list.len() < REMEMBERED {
        list.push(item);
    }
}
