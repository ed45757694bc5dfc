//! The end-session endpoint (OpenID Connect RP-Initiated Logout): a client that signed somebody out asks core to do so too.
//!
//! An id token of that very session shows that the client means this person; who comes without one is asked, since any page can hold a link.

use axum::extract::RawQuery;
use axum::response::Response;
use http::HeaderMap;
use reqwest::Url;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;

use super::clients;
use super::consent::pairs;
use super::tokens;
use crate::pages::{Cookie, see_other, shown, visitor, with_cookies};
use crate::sessions;

/// Where who is still signed in is asked.
const ASK: &str = "/logout";
/// Where who is not goes, unless the client has a place for them.
const SIGN_IN: &str = "/login";

pub(super) async fn end(context: Context, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let page = Box::pin(ended(&context, &headers, query.unwrap_or_default()));
    shown(&context, page.await).await
}

async fn ended(context: &Context, headers: &HeaderMap, query: String) -> Result<Response> {
    let pairs = pairs(&query);
    let one = |name: &str| {
        let value = pairs.iter().find(|(found, value)| found == name && !value.is_empty());
        value.map(|(_, value)| value.as_str())
    };
    let hint = match one("id_token_hint") {
        Some(token) => tokens::read_hint(context, token).await?,
        None => None,
    };
    let visitor = visitor(context, headers).await?;
    let Some(hint) = hint.filter(|hint| one("client_id").is_none_or(|id| id == hint.aud)) else {
        return Ok(see_other(if visitor.is_some() { ASK } else { SIGN_IN }));
    };
    // Another's session in this browser is not this client's to end.
    if visitor
        .as_ref()
        .is_some_and(|visitor| visitor.session.id != hint.sid || visitor.user.id != hint.sub)
    {
        return Ok(see_other(ASK));
    }
    let theirs = context.acting(&format!("user/{}", hint.sub));
    sessions::end(&theirs, &hint.sub, Some(&hint.sid)).await?;
    let way = match (
        one("post_logout_redirect_uri"),
        clients::find(context, &hint.aud).await?,
    ) {
        (Some(uri), Some(client)) if client.may_send_out(context, uri) => Url::parse(uri).ok(),
        _ => None,
    };
    let way = way.map(|mut way| {
        if let Some(state) = one("state") {
            way.query_pairs_mut().append_pair("state", state);
        }
        way
    });
    let way = way.as_ref().map_or(SIGN_IN, Url::as_str);
    Ok(with_cookies(see_other(way), [Cookie::Session.clear(context)]))
}
