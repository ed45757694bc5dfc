//! Webhooks: those that providers send to the fleet, and those that the fleet sends to its subscribers.

pub(crate) mod incoming;
pub(crate) mod outgoing;
mod signature;
