//! One node: verifier, driver, executor and egress around the replica.
