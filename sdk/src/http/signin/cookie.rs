//! The two cookies of a service's pages, given so that no script and no other host reads or plants them.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::config::Environment;
use crate::context::Kernel;

/// A cookie.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cookie {
    /// Who is signed in.
    Session,
    /// What binds a sign-in that is on its way to the browser in which it began.
    Attempt,
}

impl Cookie {
    /// Its name. `__Host-` binds it to this host, to TLS and to every path. In development there is no TLS, and since browsers do not tell
    /// ports apart, the name tells the services apart.
    fn name(self, kernel: &Kernel) -> String {
        let word = match self {
            Cookie::Session => "session",
            Cookie::Attempt => "attempt",
        };
        if is_plain(kernel) {
            format!("{}-{word}", kernel.record.key)
        } else {
            format!("__Host-{word}")
        }
    }

    /// What the browser sent of it; nothing where it sent two, since one of them was planted.
    pub(super) fn read(self, kernel: &Kernel, headers: &HeaderMap) -> Option<String> {
        let name = self.name(kernel);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(found, value)| *found == name && !value.is_empty());
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value.to_owned()),
            _ => None,
        }
    }

    /// The header that gives it; its value is a secret, so that nothing in it needs escaping. `Lax`, since a person comes from the provider's
    /// host and from links.
    pub(super) fn set(self, kernel: &Kernel, value: &str, life: Duration) -> HeaderValue {
        let secure = if is_plain(kernel) { "" } else { "; Secure" };
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
            self.name(kernel),
            life.as_secs()
        );
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }

    /// The header that takes it away.
    pub(super) fn clear(self, kernel: &Kernel) -> HeaderValue {
        self.set(kernel, "", Duration::ZERO)
    }
}

/// Whether pages come without TLS.
pub(super) fn is_plain(kernel: &Kernel) -> bool {
    kernel.settings.environment == Environment::Development
}
