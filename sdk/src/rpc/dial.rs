use std::fmt;
use std::io;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::policy::Reach;
use crate::resolve::Endpoint;
use crate::transport::tend;

/// A two-way stream of bytes to a peer.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens connections to endpoints: [`Sockets`], or a network in memory.
pub trait Dial: Send + Sync + fmt::Debug {
    /// A new connection. Cancel-safe.
    ///
    /// # Errors
    /// What kept it from being opened.
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Stream>>>;
}

/// The system's sockets, of which each leads where it may: an address is looked at when it is dialled, whoever gave it.
#[derive(Clone, Copy, Debug)]
pub struct Sockets(Reach);

impl Sockets {
    /// Sockets that lead to these addresses alone, and to sockets of this machine.
    pub const fn reaching(reach: Reach) -> Self {
        Sockets(reach)
    }
}

impl Default for Sockets {
    /// To the private network and this machine.
    fn default() -> Self {
        Sockets(Reach::PRIVATE.or_loopback())
    }
}

impl Dial for Sockets {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            Ok(match endpoint {
                Endpoint::Tcp(address) => {
                    self.0
                        .check(address.ip())
                        .map_err(|barred| io::Error::new(io::ErrorKind::PermissionDenied, barred))?;
                    let stream = TcpStream::connect(address).await?;
                    tend(&stream)?;
                    Box::new(stream) as Box<dyn Stream>
                }
                Endpoint::Unix(path) => Box::new(UnixStream::connect(path).await?),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_none_of_the_fleets_is_refused_before_anything_is_sent() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = Endpoint::Tcp(listener.local_addr().unwrap());
        assert!(Sockets::default().dial(&here).await.is_ok());
        for (reach, address, rule) in [
            (Reach::PRIVATE, here.to_string(), "loopback"),
            (
                Reach::PRIVATE.or_loopback(),
                "169.254.169.254:80".to_owned(),
                "link-local",
            ),
            (Reach::PRIVATE.or_loopback(), "93.184.216.34:80".to_owned(), "public"),
            (Reach::PRIVATE.or_loopback(), "[::ffff:10.0.0.1]:80".to_owned(), "IPv4"),
        ] {
            let endpoint = Endpoint::Tcp(address.parse().unwrap());
            let Err(error) = Sockets::reaching(reach).dial(&endpoint).await else {
                panic!("{address} was dialled")
            };
            let text = error.to_string();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(text.contains(rule) && text.contains("a way inside"), "{text}");
        }
    }
}
