//! What the services of the fleet offer one another: one file a service, and nothing but types and promises.
//!
//! It is the only crate that services share, so that no two of them depend on each other.

/// The fleet: the text of its `registry.toml`, as every program of it has it compiled in.
pub const REGISTRY: &str = include_str!("../../../registry.toml");

pub mod sample;
