//! The store on one file, when the power goes: whatever the moment and whatever the disk keeps of what was not synced.
//!
//! Every failure prints its seed. `POWER_SEED=8` runs that one again alone, `POWER_RUNS=5000` runs so many. Even seeds do the same each
//! time; with odd ones batches are sent together, and how they share transactions is left to chance.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "which seeds are run is told by the environment"
)]

mod cuts;
mod faults;
mod idle;
mod life;
mod load;
mod syncs;
