//! Forms that only core's own pages can send: the origin is checked, and a token that another site cannot know.

use axum::extract::Form;
use axum::extract::rejection::FormRejection;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};

use super::cookie::Cookie;
use crate::token;

/// What a form's token says, so that nothing else that is signed with a cookie's secret is taken for one.
const PURPOSE: &str = "a form of core";

/// A form as it came.
pub(crate) type Posted<T> = Result<Form<T>, FormRejection>;

/// Its fields.
///
/// # Errors
/// `INVALID_FORM`, with what is wrong.
pub(crate) fn fields<T>(posted: Posted<T>) -> Result<T> {
    let posted = posted.map_err(|error| Error::invalid(error.body_text()).with_code("INVALID_FORM"));
    posted.map(|Form(fields)| fields)
}

/// The token of the forms of a page, bound to a cookie's secret.
pub(crate) fn token_of(secret: &str) -> String {
    token::signed(secret, PURPOSE)
}

/// The secret that binds the forms of a browser in which nobody is signed in; new where it has none.
///
/// # Errors
/// Where the system has no randomness.
pub(super) fn secret_of(context: &Context, headers: &HeaderMap) -> Result<(String, bool)> {
    match Cookie::Form.read(context, headers) {
        Some(secret) => Ok((secret, false)),
        None => Ok((token::secret()?, true)),
    }
}

/// Refuses a form that did not come from a page that core gave to this browser.
///
/// # Errors
/// `CROSS_SITE`, `FORM_EXPIRED`.
pub(crate) fn check(context: &Context, headers: &HeaderMap, secret: Option<&str>, shown: &str) -> Result<()> {
    check_by(context.kernel().settings.scheme(), headers, secret, shown)
}

fn check_by(scheme: Option<&str>, headers: &HeaderMap, secret: Option<&str>, shown: &str) -> Result<()> {
    if !is_same_origin(scheme, headers) {
        return Err(Error::new(
            Kind::Forbidden,
            "a page of another site sent this form; use the one here",
        )
        .with_code("CROSS_SITE"));
    }
    match secret {
        Some(secret) if token::same(&token_of(secret), shown) => Ok(()),
        _ => Err(Error::new(
            Kind::Forbidden,
            "this form is too old; open the page anew and send it again",
        )
        .with_code("FORM_EXPIRED")),
    }
}

/// Whether the browser says that the request is from a page of this host, by its scheme where that is known. One that says nothing has only the
/// token to show.
fn is_same_origin(scheme: Option<&str>, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        return matches!(site, b"same-origin" | b"none");
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text(ORIGIN), text(HOST)) {
        (None, _) => true,
        (Some(origin), host) => {
            let named = origin.split_once("://");
            named.is_some_and(|(by, named)| scheme.is_none_or(|scheme| scheme == by) && Some(named) == host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(scheme: Option<&str>, pairs: &[(&'static str, &'static str)], shown: &str) -> Option<String> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        check_by(scheme, &headers, Some("secret"), shown)
            .err()
            .map(|error| error.code().to_owned())
    }

    #[test]
    fn a_form_is_taken_from_this_hosts_pages_alone() {
        let good = token_of("secret");
        let host = ("host", "core.example");
        assert_eq!(verdict(None, &[("sec-fetch-site", "same-origin")], &good), None);
        assert_eq!(verdict(None, &[host, ("origin", "https://core.example")], &good), None);
        assert_eq!(verdict(None, &[host], &good), None);
        for bad in [
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("origin", "https://core.example.evil.example")],
            vec![host, ("origin", "null")],
        ] {
            assert_eq!(verdict(None, &bad, &good).as_deref(), Some("CROSS_SITE"), "{bad:?}");
        }
        let (https, http) = (("origin", "https://core.example"), ("origin", "http://core.example"));
        assert_eq!(verdict(Some("https"), &[host, https], &good), None);
        assert_eq!(
            verdict(Some("https"), &[host, http], &good).as_deref(),
            Some("CROSS_SITE")
        );
        assert_eq!(
            verdict(None, &[], &token_of("another")).as_deref(),
            Some("FORM_EXPIRED")
        );
        assert_eq!(verdict(None, &[], "").as_deref(), Some("FORM_EXPIRED"));
    }
}
