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
mod tls;
mod wall;

pub use handler::{Body, Handler, Request, Response};
pub use limits::ConnectionLimits;
pub use listener::{Bind, Bound, Listener};
pub use server::{DRAINING, Front, Peer, Server, TurnedAway};
pub use sockets::tend;
pub use switchboard::Switchboard;
pub use tls::{client_tls, install_tls};
pub use wall::{PaceLimits, Refusal};
