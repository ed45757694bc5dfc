//! Workflows: code whose steps are done once each and that survives any crash.
//!
//! A run is a job, and its journal is entries of the store that no syscall reaches; so every backend carries workflows. While a run's code
//! goes on it stays in memory; after a restart the code is run again from its start, and every step that the journal holds gives what it
//! gave, without being done again. So between its steps the code must come to the same decisions from the same results: it reads no
//! clock, no chance and no outside world but through its [`Handle`], and it puts branches side by side with [`Handle::all`],
//! [`Handle::both`] and [`Handle::race`] alone.
//!
//! Steps are looked up by their name and how often the name was asked for. Where the code asks for another thing than its journal holds, the
//! run ends with [`CHANGED`] before anything is done anew.

mod anew;
mod branches;
mod chain;
mod control;
mod drive;
mod effect;
mod flows;
mod handle;
mod head;
mod journal;
mod keys;
mod limits;
mod marker;
mod matching;
mod record;
mod rest;
mod show;
mod step;
mod undo;
mod wait;
mod wake;

#[cfg(test)]
mod tests;

pub use drive::Body;
pub use effect::ParentClose;
pub use flows::{CheckInput, Flows, FlowsOptions};
pub use handle::{Branch, Handle};
pub use journal::CHANGED;
pub use limits::{
    CHILD_DEPTH_MAX, ID_MAX_BYTES, LINGER, RESULT_MAX_BYTES, STEPS_MAX, STEPS_SUGGESTED, STEPS_WARNED, WAIT_MAX,
    WAITS_MAX,
};
pub use show::to_wire;
pub use step::{Step, StepPolicy};
pub use wait::EventSeen;
