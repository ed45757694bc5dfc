//! By whom a request is counted.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use http::header::{AUTHORIZATION, HeaderMap};

use super::client::client;
use crate::admission::Who;
use crate::context::Kernel;
use crate::policy::party;
use crate::rpc::header;
use crate::transport::Peer;

/// The client's address; none where the request was made in this process, or came over a unix socket from whoever is no front door.
pub(super) fn address(kernel: &Kernel, request: &Request) -> Option<IpAddr> {
    let peer = match request.extensions().get::<Peer>() {
        Some(Peer(peer)) => *peer,
        // Over a socket of this machine, where the front door says who its peer is.
        None => SocketAddr::new(request.headers().get(header::CLIENT)?.to_str().ok()?.parse().ok()?, 0),
    };
    Some(client(kernel.settings.trust_edge, peer, request.headers()))
}

/// By whom the request is counted; by nobody where it is the fleet's own.
pub(super) fn who(kernel: &Kernel, headers: &HeaderMap, client: Option<IpAddr>) -> Option<Who> {
    let client = client?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let of_the_fleet = if kernel.gate.is_open() {
        // Where nobody is asked for a credential, a name is as good as one.
        text(header::SERVICE_NAME).is_some_and(|name| kernel.registry.has(name))
    } else {
        text(AUTHORIZATION.as_str()).is_some_and(|shown| kernel.gate.knows_service(shown))
    };
    if of_the_fleet {
        return None;
    }
    Some(Who::Address(party(client)))
}
