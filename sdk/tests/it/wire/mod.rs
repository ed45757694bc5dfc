//! The syscall contract, through the real handler.

mod core;
mod events;
mod idempotency;
mod jobs;
mod observe;
mod rpc;
mod schedules;
mod state;
