use http::header::{
    CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::{Error, Kind, Result};

/// Length of a `Sec-WebSocket-Key`: 16 bytes in base64 (RFC 6455, section 4.1).
const KEY_BYTES: usize = 24;

/// The opening handshake of RFC 6455 as a client makes it: the headers to send, and the check of what comes back.
#[derive(Clone, Debug)]
pub struct Handshake {
    key: String,
}

impl Handshake {
    /// A handshake with a key of its own.
    #[expect(
        clippy::new_without_default,
        reason = "each has another key, so there is no default one"
    )]
    pub fn new() -> Self {
        Handshake { key: generate_key() }
    }

    /// The headers that ask for the upgrade.
    pub fn headers(&self) -> [(HeaderName, String); 4] {
        [
            (CONNECTION, "Upgrade".to_owned()),
            (UPGRADE, "websocket".to_owned()),
            (SEC_WEBSOCKET_VERSION, "13".to_owned()),
            (SEC_WEBSOCKET_KEY, self.key.clone()),
        ]
    }

    /// Whether an answer switches to a WebSocket that was asked for by this handshake.
    ///
    /// # Errors
    /// `BAD_GATEWAY` where it answers something else.
    pub fn check(&self, headers: &HeaderMap) -> Result<()> {
        let expected = derive_accept_key(self.key.as_bytes());
        if headers
            .get(SEC_WEBSOCKET_ACCEPT)
            .is_some_and(|accept| accept.as_bytes() == expected.as_bytes())
        {
            return Ok(());
        }
        Err(Error::new(
            Kind::BadGateway,
            "the peer switched to something else than the WebSocket that was asked for",
        ))
    }
}

/// What a request lacks to be a handshake, as a server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It asks for no WebSocket.
    Upgrade,
    /// It asks for another version than 13.
    Version,
    /// Its key is none.
    Key,
}

/// The value that accepts a handshake, or what it lacks.
pub(crate) fn accept(headers: &HeaderMap) -> std::result::Result<HeaderValue, Lack> {
    let lists = |name: HeaderName, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|token| token.trim().eq_ignore_ascii_case(word))
    };
    if !lists(CONNECTION, "upgrade") || !lists(UPGRADE, "websocket") {
        return Err(Lack::Upgrade);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Lack::Version);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(Lack::Key)?;
    if key.len() != KEY_BYTES {
        return Err(Lack::Key);
    }
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| Lack::Key)
}

/// Whether an answer switches protocols.
pub(super) fn switches<B>(response: &Response<B>) -> bool {
    response.status().as_u16() == 101
}
