//! Who looks at a page: the session, the browser, the network.

use blackroad_os_contracts::core::{Session, User};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;

use super::cookie::Cookie;
use crate::sessions;
use crate::throttle::Origin;

/// Someone who is signed in.
pub(crate) struct Visitor {
    pub(crate) user: User,
    pub(crate) session: Session,
    /// The session's token, which binds the forms of the page.
    pub(crate) token: String,
}

/// Who is signed in, if anybody.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn visitor(context: &Context, headers: &HeaderMap) -> Result<Option<Visitor>> {
    let Some(token) = Cookie::Session.read(context, headers) else {
        return Ok(None);
    };
    let found = sessions::of_token(context, &token).await?;
    Ok(found.map(|(session, user)| Visitor { user, session, token }))
}

/// From where a request comes.
pub(crate) fn origin(context: &Context, headers: &HeaderMap) -> Origin {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    Origin {
        address: context.request().client.map(|address| address.to_string()),
        agent: headers.get(USER_AGENT).and_then(text),
        device: Cookie::Device.read(context, headers),
    }
}
