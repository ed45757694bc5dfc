//! The kernel that every service of a BlackRoad fleet embeds.

pub mod clock;
pub mod config;
pub mod contract;
pub mod error;
pub mod events;
pub mod jobs;
pub mod lifecycle;
pub mod logs;
pub mod name;
pub mod policy;
pub mod resolve;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod wire;
