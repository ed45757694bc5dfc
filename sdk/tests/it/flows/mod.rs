//! Workflows on a store, a runner and nothing else, so that a process can die between any two commits: on the embedded file, and in
//! PostgreSQL.

mod attempts;
mod chains;
mod changes;
mod children;
mod kills;
mod lineage;
mod place;
#[cfg(feature = "testing")]
mod replicas;
mod runs;
mod undoing;
mod waits;
mod world;
