//! How requests travel: the [`Handler`] that answers them, the [`Server`]s that listen and turn away what is no request ([`Refusal`]), the [`Switchboard`] of what is mounted in this process.

mod accept;
mod connection;
mod handler;
mod lifetime;
mod limits;
mod listener;
mod server;
mod sockets;
mod switchboard;
mod wall;

pub use handler::{Body, Handler, Request, Response};
pub use limits::ConnectionLimits;
pub use listener::{Bind, Bound, Listener};
pub use server::{DRAINING, Front, Peer, Server, TurnedAway};
pub use sockets::tend;
pub use switchboard::Switchboard;
pub use wall::{PaceLimits, Refusal};

/// Makes aws-lc-rs the process's TLS provider. Whoever comes first installs it; there is one, so the second finds the same.
pub fn install_tls() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
