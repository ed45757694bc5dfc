//! What a client asks of a person, read from the authorization request (RFC 6749, section 4.1.1; OpenID Connect Core, section 3.1.2.1).

use reqwest::Url;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;

use super::clients::{self, Found};
use super::codes::is_pkce;
use super::scope::SCOPE_MAX_BYTES;

/// Longest value that is carried through for the client: `state` and `nonce` are theirs to fill.
const CARRIED_MAX_BYTES: usize = 1_024;

/// A request whose client and address are known, so that whatever else is wrong can be told to the client.
pub(super) struct Asked {
    pub(super) client: Found,
    pub(super) redirect_uri: Url,
    /// The address as it came: what a code is bound to.
    pub(super) redirect_text: String,
    pub(super) state: Option<String>,
    /// What is asked for, or why it cannot be.
    pub(super) wish: Result<Wish, Refused>,
}

/// Why a client is sent back without a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) error: &'static str,
    pub(super) why: &'static str,
}

/// What a client asks for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) prompt: Prompt,
    /// How long ago the person may have signed in, in seconds.
    pub(super) max_age: Option<i64>,
}

/// What the client wants people to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Prompt {
    /// What has to be.
    #[default]
    AsNeeded,
    /// Nothing: it is told where something would have to be.
    Nothing,
    /// To sign in, whoever is signed in.
    SignIn,
    /// To allow it, whatever was allowed before.
    Consent,
}

/// Reads a request; `None` where its client or its address is unknown: then nobody is sent anywhere.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn asked(context: &Context, query: &str) -> Result<Option<Asked>> {
    let pairs = pairs(query);
    let once = |name: &str| {
        let mut values = pairs.iter().filter(|(found, value)| found == name && !value.is_empty());
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value.as_str()),
            _ => None,
        }
    };
    let (Some(id), Some(redirect)) = (once("client_id"), once("redirect_uri")) else {
        return Ok(None);
    };
    let Some(client) = clients::find(context, id).await? else {
        return Ok(None);
    };
    if !client.client.redirect_uris.iter().any(|known| known == redirect) {
        return Ok(None);
    }
    let Ok(redirect_uri) = Url::parse(redirect) else {
        return Ok(None);
    };
    let doubled = pairs
        .iter()
        .enumerate()
        .any(|(at, (name, _))| pairs[..at].iter().any(|(earlier, _)| earlier == name));
    Ok(Some(Asked {
        client,
        redirect_uri,
        redirect_text: redirect.to_owned(),
        state: once("state")
            .filter(|state| state.len() <= CARRIED_MAX_BYTES)
            .map(str::to_owned),
        wish: if doubled {
            Err(wrong("a parameter comes twice"))
        } else {
            wish(once)
        },
    }))
}

fn wish<'a>(once: impl Fn(&str) -> Option<&'a str>) -> Result<Wish, Refused> {
    // A request that comes as an object, or lies elsewhere, would say another thing than these parameters (OpenID Connect Core, 3.1.2.6).
    if once("request").is_some() {
        return Err(Refused {
            error: "request_not_supported",
            why: "say it in parameters: no request object is read",
        });
    }
    if once("request_uri").is_some() {
        return Err(Refused {
            error: "request_uri_not_supported",
            why: "say it in parameters: no request is fetched",
        });
    }
    if once("response_type") != Some("code") {
        return Err(Refused {
            error: "unsupported_response_type",
            why: "response_type is code",
        });
    }
    if once("response_mode").is_some_and(|mode| mode != "query") {
        return Err(wrong("response_mode is query"));
    }
    let challenge = once("code_challenge").filter(|challenge| is_pkce(challenge));
    let (Some(challenge), Some("S256")) = (challenge, once("code_challenge_method")) else {
        return Err(wrong("PKCE is needed: code_challenge, with code_challenge_method=S256"));
    };
    let long = ["state", "nonce"]
        .into_iter()
        .any(|name| once(name).is_some_and(|value| value.len() > CARRIED_MAX_BYTES));
    let scope = once("scope").unwrap_or("openid");
    if long || scope.len() > SCOPE_MAX_BYTES {
        return Err(wrong("state and nonce have at most 1,024 bytes, scope 2,500"));
    }
    let prompt = match once("prompt") {
        None => Prompt::AsNeeded,
        Some("none") => Prompt::Nothing,
        Some("login") => Prompt::SignIn,
        Some("consent") => Prompt::Consent,
        Some(_) => return Err(wrong("prompt is none, login or consent")),
    };
    let max_age = match once("max_age").map(str::parse::<i64>) {
        None => None,
        Some(Ok(seconds)) if seconds >= 0 => Some(seconds),
        Some(_) => return Err(wrong("max_age is a number of seconds")),
    };
    Ok(Wish {
        scope: super::scope::asked(scope),
        nonce: once("nonce").map(str::to_owned),
        challenge: challenge.to_owned(),
        prompt,
        max_age,
    })
}

fn wrong(why: &'static str) -> Refused {
    Refused {
        error: "invalid_request",
        why,
    }
}

/// The parameters of a query, decoded, in their order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let Ok(mut url) = Url::parse("http://query/") else {
        return Vec::new();
    };
    url.set_query(Some(query));
    url.query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_lies_elsewhere_is_refused_by_its_own_name() {
        for (parameter, error) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
        ] {
            let refused = wish(|name| (name == parameter).then_some("x")).err();
            assert_eq!(refused.map(|refused| refused.error), Some(error));
        }
    }
}
