//! How a command fails: what was tried, what happened, what to do next, and the exit code.

use std::process::ExitCode;

use tetrarch_client::ClientError;
use tetrarch_crypto::KeyFileError;
use tetrarch_types::Refusal;

/// What kind of failure it is. The numbers are the exit codes, which scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nobody reads the output any more. Not a failure: whoever closed the pipe has seen enough.
    OutputClosed = 0,
    /// It did not work.
    Failed = 1,
    /// Something given is wrong.
    Usage = 2,
    /// No replica answers.
    Unreachable = 3,
    /// Too few replicas agreed in time.
    NoQuorum = 4,
    /// A comparison did not hold.
    CompareFalse = 5,
    /// A proof does not hold.
    Unverified = 6,
    /// It could be done, but would endanger what was promised.
    Unsafe = 7,
    /// By Ctrl-C.
    Interrupted = 130,
}

impl Class {
    /// The process's exit code.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What kind.
    pub(crate) class: Class,
    /// What was tried.
    pub(crate) tried: String,
    /// What happened.
    pub(crate) happened: String,
    /// What to do next.
    pub(crate) next: String,
}

impl Failure {
    /// A failure in three parts.
    pub(crate) fn new(
        class: Class,
        tried: impl Into<String>,
        happened: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { class, tried: tried.into(), happened: happened.into(), next: next.into() }
    }

    /// It did not work: exit code 1.
    pub(crate) fn failed(tried: impl Into<String>, happened: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Class::Failed, tried, happened, next)
    }

    /// Something given is wrong: exit code 2.
    pub(crate) fn usage(tried: impl Into<String>, happened: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Class::Usage, tried, happened, next)
    }

    /// A failure whose sentence has what happened and, behind its last semicolon, what to do next.
    pub(crate) fn sentence(class: Class, tried: impl Into<String>, sentence: &str) -> Self {
        let (happened, next) = sentence.rsplit_once("; ").unwrap_or((sentence, ""));
        Self::new(class, tried, happened, next)
    }

    /// A sentence that has all three parts.
    pub(crate) fn whole(class: Class, sentence: &str) -> Self {
        Self::sentence(class, "", sentence)
    }

    /// By Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::new(Class::Interrupted, "", "", "")
    }

    /// What the client library says.
    pub(crate) fn client(tried: impl Into<String>, error: &ClientError) -> Self {
        let mut failure = Self::sentence(class_of(error), tried, &error.to_string());
        if failure.next.is_empty() {
            failure.next = advice(error).into();
        }
        failure
    }

    /// What is wrong with a key file.
    pub(crate) fn key_file(tried: impl Into<String>, error: &KeyFileError) -> Self {
        let class = match error {
            KeyFileError::Io { .. } | KeyFileError::Encode { .. } | KeyFileError::NoEntropy(_) => Class::Failed,
            _ => Class::Usage,
        };
        Self::sentence(class, tried, &error.to_string())
    }

    /// Nobody reads the output any more.
    pub(crate) fn output_closed() -> Self {
        Self::new(Class::OutputClosed, "", "", "")
    }
}

fn class_of(error: &ClientError) -> Class {
    match error {
        ClientError::Unreachable(_) => Class::Unreachable,
        ClientError::NoQuorum(_) | ClientError::Disagree { .. } => Class::NoQuorum,
        ClientError::Unacceptable(_) | ClientError::NoProof(_) => Class::Unverified,
        ClientError::Refused(Refusal::WrongChain { .. }) | ClientError::WrongChain { .. } | ClientError::Genesis(_) => {
            Class::Usage
        }
        ClientError::Refused(_)
        | ClientError::NonceContention { .. }
        | ClientError::Nonces(_)
        | ClientError::Network(_) => Class::Failed,
    }
}

/// What to do about errors whose sentence does not say it, because that depends on who asks.
const fn advice(error: &ClientError) -> &'static str {
    match error {
        ClientError::Refused(Refusal::Unknown) => "check the id, and that the transaction was submitted",
        ClientError::Refused(Refusal::BadSignature) | ClientError::Unacceptable(_) => {
            "sign it anew, with `tetrarch tx sign` and this chain's genesis"
        }
        ClientError::Refused(Refusal::WeakKey) => "make another key with `tetrarch keys new`",
        ClientError::Refused(Refusal::TooLarge { .. }) => "make the command or question smaller",
        ClientError::Refused(Refusal::Malformed(_)) => "use the version of tetrarch that the cluster runs",
        _ => "try again",
    }
}
