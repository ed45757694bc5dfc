//! The wanted records as other tools read them.

mod bind;
mod terraform;

pub(super) use bind::bind;
pub(super) use terraform::terraform;
