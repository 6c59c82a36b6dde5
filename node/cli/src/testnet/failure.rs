//! The launcher's errors as exit codes.

use tetrarch_launcher::{LaunchError, Refusal};

use crate::failure::{Class, Failure};

/// What the launcher says, in the three parts of a failure.
pub(super) fn of(tried: &str, error: &LaunchError) -> Failure {
    Failure::sentence(class(error), tried, &error.to_string())
}

/// A refusal to touch what is not known to be ours, or what runs.
pub(super) fn unsafe_to(tried: &str, error: &LaunchError) -> Failure {
    Failure { class: Class::Unsafe, ..of(tried, error) }
}

fn class(error: &LaunchError) -> Class {
    match error {
        LaunchError::Missing { .. }
        | LaunchError::Foreign { .. }
        | LaunchError::Version { .. }
        | LaunchError::Damaged { .. }
        | LaunchError::Incomplete { .. }
        | LaunchError::OtherGenesis { .. }
        | LaunchError::OtherSize { .. }
        | LaunchError::OtherParameters { .. }
        | LaunchError::BadPath { .. }
        | LaunchError::PortRange { .. }
        | LaunchError::Genesis(_)
        | LaunchError::Refused(Refusal::NoSuchReplica { .. } | Refusal::NoGateway) => Class::Usage,
        LaunchError::NotRunning { .. } => Class::Unreachable,
        _ => Class::Failed,
    }
}
