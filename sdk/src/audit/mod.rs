//! Who did what, on what, from where, and how it was decided: put on the record by whoever decides, chained by one keeper.
//!
//! A service commits a [`Record`] together with the effect that it speaks of, as a durable event that its subscriber, the
//! [keeper](crate::contract::audit::KEEPER), appends to one [chain]: each entry bears the hash of the one before, so that an
//! entry that is changed, removed or moved shows ([`Verifier`]). Refusals may come by the thousand; [`Denials`] tells those that are
//! alike as one.

pub mod chain;
mod denials;
mod record;
#[cfg(test)]
mod tests;
mod verify;

pub use denials::{Denial, Denials};
pub use record::{Record, clean};
pub use verify::{Fault, Verifier};
