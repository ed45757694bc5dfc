//! The kernel that every service of a BlackRoad fleet embeds: one library, no sidecar, no broker, no collector.
//!
//! A service is a value ([`service::Service`]) made of typed functions; a [`host::Host`] runs one of them, or nine in one process,
//! and neither caller nor handler can tell. Modules form levels; each uses only what stands above it here, and a test reads the
//! sources and fails on the rest.
//!
//! | level | modules |
//! |---|---|
//! | words | [`error`] [`name`] [`policy`] [`wire`] [`config`] [`contract`] |
//! | ground | [`clock`] [`telemetry`] [`lifecycle`] |
//! | ports | [`store`] [`resolve`] [`transport`] |
//! | rights | [`auth`] |
//! | facilities | [`state`] [`events`] [`jobs`] [`logs`] [`metrics`] [`registry`] [`admission`] |
//! | on those | [`health`] [`rpc`] [`audit`] |
//! | on those | [`pipe`] |
//! | on those | [`subscription`] [`workflow`] |
//! | on those | [`why`] |
//! | kernel | [`context`] [`service`] |
//! | surface | `pages` (feature) [`http`] |
//! | composition | [`host`] |

#![forbid(unsafe_code)]

// words
pub mod config;
pub mod contract;
pub mod error;
pub mod name;
pub mod policy;
pub mod wire;

// ground
pub mod clock;
pub mod lifecycle;
pub mod telemetry;

// ports
pub mod resolve;
pub mod store;
pub mod transport;

// rights
pub mod auth;

// facilities
pub mod admission;
pub mod events;
pub mod jobs;
pub mod logs;
pub mod metrics;
pub mod registry;
pub mod state;

// facilities on those
pub mod audit;
pub mod health;
pub mod pipe;
pub mod rpc;
pub mod subscription;
pub mod why;
pub mod workflow;

// kernel
pub mod context;
pub mod service;

// surface
pub mod http;
#[cfg(feature = "pages")]
pub mod pages;

// composition
pub mod host;
