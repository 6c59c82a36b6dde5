//! Signs transactions, sends them to every replica and gathers reply certificates.
