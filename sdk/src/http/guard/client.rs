//! Whose request it is, as far as the network says: the address behind whatever stands in front.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::config::TrustEdge;
use crate::policy::{Reach, is_cloudflare};

/// Railway's word for who connected to its edge.
const REAL_IP: &str = "x-real-ip";
/// Cloudflare's.
const CONNECTING_IP: &str = "cf-connecting-ip";

/// The address of the client, from the peer of the connection and what a trusted edge says of it.
///
/// Of Railway's edge it is known that it reaches a service over the private network, so its word is believed from a private address; whoever connects
/// from a public one is the client. Cloudflare's word is believed where the client, so far, is in Cloudflare's own ranges: the service's
/// name at Railway stays open to everybody, and there anyone can write the field.
pub(super) fn client(trust: TrustEdge, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if trust == TrustEdge::None {
        return peer;
    }
    let inside = Reach::PRIVATE.or_loopback().check(peer).is_ok();
    let connected = match address(headers, REAL_IP) {
        Some(address) if inside => address,
        _ => peer,
    };
    match trust {
        TrustEdge::Cloudflare if is_cloudflare(connected) => address(headers, CONNECTING_IP).unwrap_or(connected),
        _ => connected,
    }
}

/// The one address in a field; two fields are none, since one of them is not the edge's.
fn address(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    match values.next() {
        None => value.trim().parse().ok().map(|address: IpAddr| address.to_canonical()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn seen(trust: TrustEdge, peer: &str, fields: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        client(trust, peer, &headers).to_string()
    }

    const FORGED: [(&str, &str); 4] = [
        ("x-real-ip", "6.6.6.6"),
        ("cf-connecting-ip", "6.6.6.6"),
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
    ];

    #[test]
    fn without_an_edge_nothing_that_is_forwarded_is_believed() {
        for peer in ["93.184.216.34", "10.0.0.1", "fd12::1"] {
            assert_eq!(seen(TrustEdge::None, peer, &FORGED), peer);
        }
        assert_eq!(seen(TrustEdge::None, "::ffff:10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn railways_edge_is_believed_from_the_private_network_alone() {
        let real = [("x-real-ip", "93.184.216.34")];
        assert_eq!(seen(TrustEdge::Railway, "100.64.0.2", &real), "93.184.216.34");
        assert_eq!(seen(TrustEdge::Railway, "fd12::1", &real), "93.184.216.34");
        assert_eq!(seen(TrustEdge::Railway, "8.8.8.8", &FORGED), "8.8.8.8");
        assert_eq!(seen(TrustEdge::Railway, "100.64.0.2", &FORGED[1..]), "100.64.0.2");
        let twice = [("x-real-ip", "93.184.216.34"), ("x-real-ip", "6.6.6.6")];
        assert_eq!(seen(TrustEdge::Railway, "100.64.0.2", &twice), "100.64.0.2");
    }

    #[test]
    fn cloudflare_is_believed_where_the_request_came_from_cloudflare() {
        let through = [("x-real-ip", "104.16.1.2"), ("cf-connecting-ip", "93.184.216.34")];
        assert_eq!(seen(TrustEdge::Cloudflare, "100.64.0.2", &through), "93.184.216.34");
        let six = [("cf-connecting-ip", "2001:4860::1")];
        assert_eq!(seen(TrustEdge::Cloudflare, "2606:4700::1", &six), "2001:4860::1");
        // Past Cloudflare, by the name that the service has at Railway.
        let past = [("x-real-ip", "93.184.216.34"), ("cf-connecting-ip", "6.6.6.6")];
        assert_eq!(seen(TrustEdge::Cloudflare, "100.64.0.2", &past), "93.184.216.34");
        assert_eq!(seen(TrustEdge::Cloudflare, "8.8.8.8", &FORGED), "8.8.8.8");
        let rotten = [("x-real-ip", "104.16.1.2"), ("cf-connecting-ip", "<script>")];
        assert_eq!(seen(TrustEdge::Cloudflare, "100.64.0.2", &rotten), "104.16.1.2");
    }
}
