//! Cookies: read from the head of a request, and given so that no script and no other host reads them.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use syscall_sdk::config::Environment;
use syscall_sdk::context::Context;

/// A cookie of core's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cookie {
    /// Who is signed in.
    Session,
    /// Which browser this is: in it someone has signed in before.
    Device,
    /// A sign-in that waits for its second factor.
    Pending,
    /// What forms are bound to before anybody is signed in.
    Form,
    /// A sign-in at another provider, on its way.
    Outside,
}

impl Cookie {
    /// Its name. `__Host-` binds it to this host, to TLS and to every path: no neighbour and no plain connection can set it. In
    /// development there is no TLS, and the name is plain.
    fn name(self, context: &Context) -> &'static str {
        match (self, is_plain(context)) {
            (Cookie::Session, false) => "__Host-session",
            (Cookie::Session, true) => "session",
            (Cookie::Device, false) => "__Host-device",
            (Cookie::Device, true) => "device",
            (Cookie::Pending, false) => "__Host-pending",
            (Cookie::Pending, true) => "pending",
            (Cookie::Form, false) => "__Host-form",
            (Cookie::Form, true) => "form",
            (Cookie::Outside, false) => "__Host-outside",
            (Cookie::Outside, true) => "outside",
        }
    }

    /// What the browser sent of it.
    pub(crate) fn read(self, context: &Context, headers: &HeaderMap) -> Option<String> {
        let name = self.name(context);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(found, _)| *found == name)?;
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The header that gives it; its value is one of [`crate::token`]'s, so that nothing in it needs escaping.
    pub(crate) fn set(self, context: &Context, value: &str, life: Duration) -> HeaderValue {
        let secure = if is_plain(context) { "" } else { "; Secure" };
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
            self.name(context),
            life.as_secs()
        );
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }

    /// The header that takes it away.
    pub(crate) fn clear(self, context: &Context) -> HeaderValue {
        self.set(context, "", Duration::ZERO)
    }
}

/// Whether pages come without TLS.
pub(crate) fn is_plain(context: &Context) -> bool {
    context.kernel().settings.environment == Environment::Development
}
