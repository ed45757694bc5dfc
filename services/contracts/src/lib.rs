//! What the nine services offer one another: one file a service (the operator has a second for its graphs, core one for the trail), and nothing but types and promises.
//!
//! It is the only crate that services share, so that no two of them depend on each other.

/// The fleet: the text of its `registry.toml`, as every program of it has it compiled in.
pub const REGISTRY: &str = syscall_sdk::registry::BUILTIN;

pub mod api;
pub mod audit;
pub mod core;
pub mod docs;
pub mod operator;
pub mod os;
pub mod root;
pub mod web;
pub mod workflows;
