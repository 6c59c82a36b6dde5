//! Tetrarch's own key-value store as a workload.

mod abuse;
mod generator;
mod model;

use tetrarch_kv::{Command, CommandResult, KvMachine, StateMachine};

pub use model::KvModel;

use super::show::shortened;
use super::{Abuse, Generator, Model, Sequential, Workload, text_or_hex};
use crate::rng::Rng;

/// What runs when no other workload is named.
#[derive(Clone, Copy, Debug, Default)]
pub struct KvWorkload;

impl Workload for KvWorkload {
    fn machine(&self) -> Box<dyn StateMachine> {
        Box::new(KvMachine)
    }

    fn generator(&self, _client: usize) -> Box<dyn Generator> {
        Box::new(generator::FewKeys::default())
    }

    fn abuse(&self, abuse: Abuse, rng: &mut Rng) -> Vec<u8> {
        abuse::command(abuse, rng)
    }

    fn model(&self) -> Box<dyn Model> {
        Box::new(KvModel::default())
    }

    fn sequential(&self) -> Option<Box<dyn Sequential>> {
        Some(Box::new(KvModel::default()))
    }

    fn show_command(&self, command: &[u8]) -> String {
        match Command::decode(command) {
            Ok(read) => shortened(&format!("{read:?}"), command.len()),
            Err(_) => text_or_hex(command),
        }
    }

    fn show_result(&self, result: &[u8]) -> String {
        match CommandResult::decode(result) {
            Ok(read) => shortened(&format!("{read:?}"), result.len()),
            Err(_) => text_or_hex(result),
        }
    }
}
