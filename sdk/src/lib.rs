//! The kernel that every service of a BlackRoad fleet embeds.

pub mod clock;
pub mod error;
pub mod name;
#[cfg(feature = "pages")]
pub mod pages;
pub mod policy;
pub mod store;
pub mod wire;
