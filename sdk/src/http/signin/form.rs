//! What a signed-in person's browser sends to change something: it must come from a page of this very host, and bear what such a page was
//! given. Each alone would do; browsers and proxies have had faults in either.

use axum::extract::{FromRequest as _, Request};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};

use super::cookie::is_plain;
use crate::auth::opaque::{same, signed};
use crate::context::{Context, Kernel, Person};
use crate::error::{Error, Kind, Result};
use crate::http::extract::Body;

/// What a form's token says, so that nothing else that is signed with a cookie's secret is taken for one.
const PURPOSE: &str = "a form of this service's pages";
/// Where scripts put the token.
const HEADER: &str = "x-csrf-token";
/// The field in which a form bears it.
const FIELD: &str = "csrf_token";

/// The token of the forms of who has a session's secret.
pub(super) fn token(secret: &str) -> String {
    signed(secret, PURPOSE)
}

/// Gives a request back where a page of this service sent it on purpose; a form's body is read for its token and put back.
///
/// # Errors
/// `CROSS_SITE`, `FORM_EXPIRED`, `PAYLOAD_TOO_LARGE`.
pub(in crate::http) async fn is_meant(context: &Context, request: Request, person: &Person) -> Result<Request> {
    check_origin(context.kernel(), request.headers())?;
    let shown = request
        .headers()
        .get(HEADER)
        .map(HeaderValue::as_bytes)
        .map(<[u8]>::to_vec);
    let (request, shown) = match shown {
        None if is_form(request.headers()) => {
            let (parts, body) = request.into_parts();
            let whole = Request::from_parts(parts.clone(), body);
            let Body(bytes) = Body::from_request(whole, context).await.map_err(|failure| failure.0)?;
            let shown = in_form(&bytes).map(|text| text.as_bytes().to_vec());
            (Request::from_parts(parts, axum::body::Body::from(bytes)), shown)
        }
        shown => (request, shown),
    };
    check_token(shown.as_deref(), &person.form_token)?;
    Ok(request)
}

/// Refuses what no page of this host sent.
///
/// # Errors
/// `CROSS_SITE`.
pub(super) fn check_origin(kernel: &Kernel, headers: &HeaderMap) -> Result<()> {
    let scheme = kernel.settings.scheme();
    let scheme = scheme.unwrap_or(if is_plain(kernel) { "http" } else { "https" });
    if is_same_origin(scheme, headers) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        "a page of another site asked for this on your behalf; do it from this service's own page",
    )
    .with_code("CROSS_SITE"))
}

/// Refuses what does not bear the token of a page's forms.
///
/// # Errors
/// `FORM_EXPIRED`.
pub(super) fn check_token(shown: Option<&[u8]>, wanted: &str) -> Result<()> {
    let shown = shown.and_then(|shown| std::str::from_utf8(shown).ok());
    if shown.is_some_and(|shown| same(shown, wanted)) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        "this page is of an earlier sign-in; open it anew and do it again",
    )
    .with_code("FORM_EXPIRED"))
}

/// The token in a form's body. It has no character that a form would encode.
pub(super) fn in_form(body: &[u8]) -> Option<&str> {
    let pairs = std::str::from_utf8(body).ok()?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == FIELD)
        .map(|(_, value)| value)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
}

/// Whether the browser says that the request is from a page of this host. One that says nothing is no browser of these years.
fn is_same_origin(scheme: &str, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(ORIGIN), text(HOST)) {
        (Some(origin), Some(host)) => {
            origin.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")) == Some(host)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_this_very_host_is_believed() {
        let verdict = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            is_same_origin("https", &headers)
        };
        let host = ("host", "console.example");
        assert!(verdict(&[("sec-fetch-site", "same-origin")]));
        assert!(verdict(&[host, ("origin", "https://console.example")]));
        for bad in [
            vec![],
            vec![host],
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "none")],
            vec![
                ("sec-fetch-site", "cross-site"),
                host,
                ("origin", "https://console.example"),
            ],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("origin", "http://console.example")],
            vec![host, ("origin", "https://console.example.evil.example")],
            vec![host, ("origin", "null")],
        ] {
            assert!(!verdict(&bad), "{bad:?}");
        }
    }

    #[test]
    fn the_token_is_found_in_a_form_wherever_it_stands() {
        assert_eq!(in_form(b"a=1&csrf_token=x-_9&b=2"), Some("x-_9"));
        assert_eq!(in_form(b"xcsrf_token=1"), None);
        assert_eq!(in_form(b"\xff"), None);
        assert!(check_token(Some(b"x"), "x").is_ok());
        assert!(check_token(Some(b""), "x").is_err());
        assert!(check_token(None, "x").is_err());
    }
}
