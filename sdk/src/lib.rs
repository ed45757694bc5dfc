//! The kernel that every service of a BlackRoad fleet embeds.

pub mod auth;
pub mod clock;
pub mod config;
pub mod context;
pub mod contract;
pub mod error;
pub mod events;
pub mod health;
pub mod host;
pub mod http;
pub mod jobs;
pub mod lifecycle;
pub mod logs;
pub mod metrics;
pub mod name;
pub mod policy;
pub mod registry;
pub mod resolve;
pub mod rpc;
pub mod service;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod wire;
