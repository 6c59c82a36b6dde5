//! Which requests travel together in one command, and whose result is whose. Pure.

use std::collections::VecDeque;

use tetrarch_kv::store::bounds::{MAX_REQUEST_BYTES, MAX_REQUESTS};
use tetrarch_kv::{Answered, Command, CommandResult, KvError, Request};
use tetrarch_types::encode;

/// The bytes of a command's requests: the rest is their number.
const MAX_BUNDLE_BYTES: usize = MAX_REQUEST_BYTES - 2;

/// A request, and whoever waits for its result.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    request: Request,
    bytes: usize,
    pub(crate) waiter: T,
}

/// Requests that travel as one command.
#[derive(Debug)]
pub(crate) struct Bundle<T> {
    command: Command,
    waiters: Vec<T>,
}

/// What a bundle came to, for one of its requests.
#[derive(Debug)]
pub(crate) enum Part<T> {
    /// Its result.
    Settled(T, Result<Answered, KvError>),
    /// It was refused for what its neighbours left it, and changed nothing: it is to be ordered again, alone.
    Again(Bundle<T>),
}

impl Entry<()> {
    /// A request that can be ordered.
    ///
    /// # Errors
    /// What is wrong with it for its own sake; [`KvError::RequestTooLarge`] if it would not even fit alone.
    pub(crate) fn new(request: Request) -> Result<Self, KvError> {
        request.check()?;
        let bytes = encode(&request).len();
        if bytes > MAX_BUNDLE_BYTES { Err(KvError::RequestTooLarge) } else { Ok(Self { request, bytes, waiter: () }) }
    }

    /// What it takes of a command.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The same, with whoever waits for its result.
    pub(crate) fn of<T>(self, waiter: T) -> Entry<T> {
        Entry { request: self.request, bytes: self.bytes, waiter }
    }
}

impl<T> Bundle<T> {
    /// Takes as many requests from the front as may travel together: at least one, if there is one.
    pub(crate) fn take(waiting: &mut VecDeque<Entry<T>>) -> Self {
        let mut bundle = Self { command: Command::default(), waiters: Vec::new() };
        let mut room = MAX_BUNDLE_BYTES;
        while bundle.waiters.len() < MAX_REQUESTS {
            if waiting.front().is_none_or(|entry| entry.bytes > room) {
                break;
            }
            let Some(entry) = waiting.pop_front() else { break };
            room -= entry.bytes;
            bundle.command.requests.push(entry.request);
            bundle.waiters.push(entry.waiter);
        }
        bundle
    }

    /// What is ordered.
    pub(crate) const fn command(&self) -> &Command {
        &self.command
    }

    /// How many requests.
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Whoever waits.
    pub(crate) fn into_waiters(self) -> Vec<T> {
        self.waiters
    }

    /// Gives each request its own result.
    ///
    /// # Errors
    /// The bundle, if the result is not one of so many requests.
    pub(crate) fn settle(self, result: CommandResult) -> Result<Vec<Part<T>>, Self> {
        let alone = self.len() == 1;
        let results = match result.results {
            Ok(results) if results.len() == self.len() => results,
            Ok(_) => return Err(self),
            Err(error) if alone => vec![Err(error)],
            // What is wrong with the whole need not be wrong with each.
            Err(_) => vec![Err(KvError::TooMuch); self.len()],
        };
        let parts = self.command.requests.into_iter().zip(self.waiters).zip(results);
        let part = |((request, waiter), result): ((Request, T), _)| match result {
            Err(KvError::TooMuch | KvError::AnswerTooLarge | KvError::Crowded) if !alone => {
                Part::Again(Self { command: request.into(), waiters: vec![waiter] })
            }
            result => Part::Settled(waiter, result),
        };
        Ok(parts.map(part).collect())
    }
}

#[cfg(test)]
mod tests;
