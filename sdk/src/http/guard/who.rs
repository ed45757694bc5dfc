//! By whom a request is counted.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::Request;
use http::header::{AUTHORIZATION, HeaderMap};

use super::client::client;
use crate::admission::Who;
use crate::auth::{Principal, bearer};
use crate::context::{Context, Kernel};
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

/// What a request shows that may be no token of the fleet's own: `Authorization: Bearer`, or `X-Api-Key` where that is absent. None where
/// the service lets nobody in by such.
pub(super) fn shown(kernel: &Kernel, headers: &HeaderMap) -> Option<String> {
    kernel.identify.as_ref()?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let shown = match text(AUTHORIZATION.as_str()) {
        Some(authorization) => bearer(authorization)?,
        None => text(header::API_KEY)?.trim(),
    };
    Some(shown.to_owned())
}

/// By whom the request is counted; by nobody where it is the fleet's own. A caller is known here by what was checked before, so that whoever
/// is turned away costs no look at a credential: one that is new, or wrong, counts as its address.
pub(super) fn who(
    kernel: &Arc<Kernel>,
    headers: &HeaderMap,
    shown: Option<&str>,
    client: Option<IpAddr>,
) -> Option<Who> {
    let client = client?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let address = Who::Address(party(client));
    if kernel.gate.is_open() {
        // Where nobody is asked for a credential, a name is as good as one.
        let of_the_fleet = text(header::SERVICE_NAME).is_some_and(|name| kernel.registry.has(name));
        return (!of_the_fleet).then_some(address);
    }
    let outside = || {
        let (identify, shown) = (kernel.identify.as_ref()?, shown?);
        identify.known(&Context::new(Arc::clone(kernel)), shown)
    };
    let token = || kernel.gate.known(text(AUTHORIZATION.as_str())?);
    match token().or_else(outside) {
        Some(principal) => of(&principal),
        None => Some(address),
    }
}

/// By whom a principal is counted; by nobody where it is a service.
pub(super) fn of(principal: &Principal) -> Option<Who> {
    match principal.service() {
        Some(_) => None,
        None => Some(Who::Principal(principal.subject.clone())),
    }
}
