//! How a client shows who it is (RFC 6749, section 2.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use reqwest::Url;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;

use super::clients::{self, Found};
use super::error::Refusal;

/// What a form says of its client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) secret: Option<&'a str>,
}

/// The client that a request is from.
///
/// # Errors
/// `invalid_client` where it does not show who it is; `invalid_request` where it does in two ways.
pub(super) async fn authenticated(context: &Context, headers: &HeaderMap, said: Said<'_>) -> Result<Found, Refusal> {
    if let Some(service) = service_of(context, headers)? {
        let found = clients::find(context, &service)
            .await?
            .filter(|found| found.client.first_party);
        let named_otherwise = said.secret.is_some() || said.id.is_some_and(|id| id != service);
        return match found {
            Some(found) if !named_otherwise => Ok(found),
            _ => Err(Refusal::Client(format!(
                "the token is that of {service}, and the form names another client"
            ))),
        };
    }
    let (id, secret) = match (headers.get(AUTHORIZATION), said) {
        (Some(header), Said { secret: None, id }) => {
            let pair = header.to_str().ok().and_then(basic);
            let (named, secret) =
                pair.ok_or_else(|| Refusal::Client("the Authorization header is no Basic one".to_owned()))?;
            if id.is_some_and(|id| id != named) {
                return Err(Refusal::request("the header and the form name two clients"));
            }
            (named, Some(secret))
        }
        (Some(_), _) => {
            return Err(Refusal::request(
                "the client shows its secret in the header and in the form; choose one",
            ));
        }
        (None, Said { id: Some(id), secret }) => (id.to_owned(), secret.map(str::to_owned)),
        (None, Said { id: None, .. }) => {
            return Err(Refusal::Client("the client does not say who it is".to_owned()));
        }
    };
    let found = clients::find(context, &id).await?;
    match found {
        Some(found) if found.is_shown_by(secret.as_deref()) => Ok(found),
        _ => {
            // What is no client's id is not put on the record: people put a secret into the wrong field.
            let client = found.as_ref().map_or("unknown", |found| found.client.id.as_str());
            context.refused("client.authenticate", &format!("client/{client}"), "WRONG_SECRET");
            Err(Refusal::Client(
                "there is no such client, or its secret is another".to_owned(),
            ))
        }
    }
}

/// The service of the fleet that shows its own token, narrowed to core; the gate checks it as ever. A token that a service shows for somebody
/// else is none of its own.
fn service_of(context: &Context, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let shown = headers.get(AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    let is_bearer = shown
        .and_then(|shown| shown.split_once(' '))
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let gate = &context.kernel().gate;
    if !is_bearer || gate.is_open() {
        return Ok(None);
    }
    let mut caller = context.request().caller.clone();
    gate.admit(&Access::Credential, &mut caller)
        .map_err(|error| Refusal::Client(error.message().to_owned()))?;
    match caller.principal {
        Some(principal) if principal.service().is_some() => Ok(caller.service),
        _ => Err(Refusal::Client("the token is no service's own".to_owned())),
    }
}

/// The id and the secret of a Basic header; both are form-encoded within it.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    // Neither character divides a value that was encoded.
    if text.contains(['&', '=']) {
        return None;
    }
    let mut url = Url::parse("http://form/").ok()?;
    url.set_query(Some(&format!("v={text}")));
    url.query_pairs().next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basic_header_is_read_as_its_standard_says() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let read = |text: &str| basic(&header(text));
        assert_eq!(read("id:secret"), Some(("id".to_owned(), "secret".to_owned())));
        assert_eq!(read("a%3Ab:p%26q+r"), Some(("a:b".to_owned(), "p&q r".to_owned())));
        assert_eq!(read("no-colon"), None);
        assert_eq!(basic("Bearer abc"), None);
        assert_eq!(basic("Basic ***"), None);
    }
}
