//! The kernel that every service of a BlackRoad fleet embeds.

pub mod clock;
pub mod error;
pub mod name;
pub mod policy;
pub mod store;
pub mod wire;
