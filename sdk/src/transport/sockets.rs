use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long a connection may be silent before the system asks whether the peer is there, and between its questions (reqwest's 15 s): longer
/// than idle connections are kept by who opens them, so that only one that is waited on is asked.
const KEEPALIVE: Duration = Duration::from_secs(16);
/// How long what was sent may stay unacknowledged, or unread behind a closed window, before the system gives the connection up (reqwest's
/// default).
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sets up a connection, accepted or opened: small messages go at once, and the system finds out about peers that vanished without a word.
///
/// # Errors
/// Where the connection has ended already.
pub fn tend(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}
