//! The replicated, deterministic key-value store.
