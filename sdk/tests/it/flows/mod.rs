//! Workflows on a store, a runner and nothing else, so that a process can die between any two commits.

mod changes;
mod kills;
mod lives;
mod waits;
mod world;
