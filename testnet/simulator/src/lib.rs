//! Whole clusters on one thread under a seed.
