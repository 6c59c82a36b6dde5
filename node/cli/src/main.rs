//! The binary tetrarch: arguments, output and exit codes.
fn main() {}
