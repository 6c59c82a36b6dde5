//! What hostile clients ask for.

use super::Generator;
use crate::rng::Rng;

/// The bytes of a large command: a few of them can be borne.
pub const LARGE: usize = 200 * 1_024;

/// What a hostile client wants with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abuse {
    /// To be in the way: a command about what honest clients ask for, of somebody who has seen nothing of it.
    Meddle,
    /// To keep replicas busy: a command about what no honest client looks at, if there is such a thing.
    Apart,
    /// To fill memories: a command of at least [`LARGE`] bytes.
    Large,
    /// To confuse: bytes that the machine cannot read, or not carry out.
    Malformed,
}

impl Abuse {
    /// A command for any machine of which only an honest client is known: its commands, too long or mangled.
    pub fn of(self, mut honest: Box<dyn Generator>, rng: &mut Rng) -> Vec<u8> {
        let mut command = honest.next(rng);
        match self {
            Self::Meddle | Self::Apart => command,
            Self::Large => {
                command.resize(command.len().max(LARGE), 0);
                command
            }
            Self::Malformed => mangled(&command, rng),
        }
    }
}

/// Not quite these bytes: none of them, too few, one too many, one bit otherwise, or any others.
pub fn mangled(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    match rng.below(5) {
        0 => Vec::new(),
        1 => bytes[..rng.index(bytes.len())].to_vec(),
        2 => [bytes, &[0]].concat(),
        3 => {
            let (mut bytes, bit) = (bytes.to_vec(), rng.index(8 * bytes.len()));
            bytes.iter_mut().skip(bit / 8).take(1).for_each(|byte| *byte ^= 1 << (bit % 8));
            bytes
        }
        _ => (0..rng.between(1, 64)).map(|_| rng.draw() as u8).collect(),
    }
}
