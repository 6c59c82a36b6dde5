//! Decisions taken from the bytes of an input, one after the other.

use arbitrary::{Arbitrary, Unstructured};

/// What is left of an input. When it is spent, every further decision is the first of its kind: so any bytes are a whole input, and
/// short ones are simple.
pub(crate) struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    pub(crate) fn are_spent(&self) -> bool {
        self.0.is_empty()
    }

    /// Anything that can be made of bytes; none when they are spent.
    pub(crate) fn any<T: Arbitrary<'a>>(&mut self) -> Option<T> {
        if self.are_spent() { None } else { self.0.arbitrary().ok() }
    }

    /// A number below `bound`; 0 if the bound is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound < 2 { 0 } else { self.0.int_in_range(0..=bound - 1).unwrap_or(0) }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or_default()
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// True once in `of` times.
    pub(crate) fn rarely(&mut self, of: usize) -> bool {
        self.below(of) == of - 1
    }

    pub(crate) fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// A number: small most of the time, so that numbers meet; else at the end of what there is, or anywhere.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=239 => u64::from(small % 12),
            edge @ 240..=247 => u64::MAX - u64::from(edge - 240),
            _ => self.0.arbitrary().unwrap_or_default(),
        }
    }
}
