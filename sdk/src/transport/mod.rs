//! How requests travel: the [`Handler`] that answers them, the [`Server`]s that listen, the [`Switchboard`] of what is mounted in this process.

mod handler;
mod lifetime;
mod listener;
mod server;
mod switchboard;

pub use handler::{Body, Handler, Request, Response};
pub use listener::{Bind, Bound, Listener};
pub use server::{ConnectionLimits, DRAINING, Peer, Server};
pub use switchboard::Switchboard;

/// Makes aws-lc-rs the process's TLS provider. Whoever comes first installs it; there is one, so the second finds the same.
pub fn install_tls() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
