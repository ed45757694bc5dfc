//! The authorization endpoint: a person, signed in, allows a client to act for them, and a code goes back to it.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use blackroad_os_contracts::core::User;
use http::HeaderMap;
use reqwest::Url;
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::http::way::in_query;

use super::codes::{self, Consent};
use super::consent::{Asked, Prompt, Refused, Wish, asked, pairs};
use super::issuer;
use super::scope;
use crate::audit::{self, Decision};
use crate::pages::{Posted, Visitor, check_form, fields, page_leading_to, see_other, shown, token_of, visitor};

const PATH: &str = "/oauth/authorize";

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    form: String,
    #[serde(default)]
    decision: String,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct AskConsent<'a> {
    client: &'a str,
    origin: &'a str,
    user: &'a User,
    lines: Vec<String>,
    action: String,
    form: String,
}

pub(super) async fn ask(context: Context, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let page = Box::pin(decide(&context, &headers, &query, None));
    shown(&context, page.await).await
}

pub(super) async fn answer(
    context: Context,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    posted: Posted<Answer>,
) -> Response {
    let query = query.unwrap_or_default();
    let page = Box::pin(async {
        let said = fields(posted)?;
        decide(&context, &headers, &query, Some(said)).await
    });
    shown(&context, page.await).await
}

async fn decide(context: &Context, headers: &HeaderMap, query: &str, said: Option<Answer>) -> Result<Response> {
    // Where the client or its address is not known, the person is told and nobody is sent anywhere: an open redirect is a phisher's.
    let asked = asked(context, query).await?.ok_or_else(unknown)?;
    let wish = match &asked.wish {
        Ok(wish) => wish,
        Err(refused) => return back(context, &asked, Err(*refused)),
    };
    let now = context.clock().now().timestamp();
    let visitor = visitor(context, headers).await?;
    let fresh = visitor.filter(|visitor| {
        let age = now - visitor.session.created_at.0.timestamp();
        wish.prompt != Prompt::SignIn && wish.max_age.is_none_or(|most| age <= most)
    });
    let Some(visitor) = fresh else {
        if wish.prompt == Prompt::Nothing {
            return back(context, &asked, Err(refused("login_required", "nobody is signed in")));
        }
        return Ok(to_sign_in(query));
    };
    let consented = match said {
        Some(said) => {
            check_form(context, headers, Some(&visitor.token), &said.form)?;
            if said.decision != "allow" {
                let target = format!("client/{}", asked.client.client.id);
                let actor = format!("user/{}", visitor.user.id);
                audit::note(context, Decision::denied("consent", target, "DENIED").by(actor)).await?;
                return back(context, &asked, Err(refused("access_denied", "the person said no")));
            }
            true
        }
        None => asked.client.client.first_party && wish.prompt != Prompt::Consent,
    };
    if !consented {
        if wish.prompt == Prompt::Nothing {
            return back(
                context,
                &asked,
                Err(refused("consent_required", "the person has to be asked")),
            );
        }
        return ask_consent(context, &asked, wish, &visitor, query).await;
    }
    allow(context, &asked, wish, &visitor).await
}

async fn allow(context: &Context, asked: &Asked, wish: &Wish, visitor: &Visitor) -> Result<Response> {
    let consent = Consent {
        client_id: asked.client.client.id.clone(),
        redirect_uri: asked.redirect_text.clone(),
        user_id: visitor.user.id.clone(),
        scope: wish.scope.clone(),
        nonce: wish.nonce.clone(),
        challenge: wish.challenge.clone(),
        signed_in_at: visitor.session.created_at.0.timestamp(),
        methods: visitor.session.methods.clone(),
        session_id: visitor.session.id.clone(),
        issuer: issuer::of(context),
    };
    let code = codes::issue(context, consent).await?;
    let target = format!("client/{}", asked.client.client.id);
    let actor = format!("user/{}", visitor.user.id);
    audit::note(context, Decision::allowed("consent", target).by(actor)).await?;
    back(context, asked, Ok(code))
}

async fn ask_consent(
    context: &Context,
    asked: &Asked,
    wish: &Wish,
    visitor: &Visitor,
    query: &str,
) -> Result<Response> {
    let granted = scope::grantable(context, &visitor.user.id, &wish.scope).await?;
    let lines = granted.split_ascii_whitespace().map(|part| match part {
        "openid" => "It learns who you are: the id of your account.".to_owned(),
        "profile" => "It learns your name.".to_owned(),
        "email" => "It learns your e-mail address.".to_owned(),
        "offline_access" => "It keeps what you allow for three months, also while you are away.".to_owned(),
        role => format!("It may do what the role {role} may."),
    });
    let origin = asked.redirect_uri.origin().ascii_serialization();
    let content = AskConsent {
        client: &asked.client.client.name,
        origin: &origin,
        user: &visitor.user,
        lines: lines.collect(),
        action: format!("{PATH}?{query}"),
        form: token_of(&visitor.token),
    };
    Ok(page_leading_to(context, "Consent", PATH, content, Some(origin.clone())).await)
}

/// To the sign-in page and back here. What asked for the sign-in is left out on the way back, or it would be asked for again.
fn to_sign_in(query: &str) -> Response {
    let mut url = Url::parse("http://query/").ok();
    let rest = pairs(query)
        .into_iter()
        .filter(|(name, value)| !(name == "prompt" && value == "login"));
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(rest);
    }
    let query = url.as_ref().and_then(Url::query).unwrap_or_default();
    see_other(&format!(
        "/login?again=1&return={}",
        in_query(&format!("{PATH}?{query}"))
    ))
}

/// Back to the client: with a code or an error, what it gave to be given back, and who says so (RFC 9207).
fn back(context: &Context, asked: &Asked, outcome: Result<String, Refused>) -> Result<Response> {
    let mut url = asked.redirect_uri.clone();
    {
        let mut pairs = url.query_pairs_mut();
        match &outcome {
            Ok(code) => {
                pairs.append_pair("code", code);
            }
            Err(Refused { error, why }) => {
                pairs.append_pair("error", error).append_pair("error_description", why);
            }
        }
        if let Some(state) = &asked.state {
            pairs.append_pair("state", state);
        }
        pairs.append_pair("iss", &issuer::of(context));
    }
    Ok(see_other(url.as_str()))
}

/// The origin to which a sign-in leads by way of this endpoint, for the policy of the page's form.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn leads_to(context: &Context, way_back: &str) -> Result<Option<String>> {
    let Some(query) = way_back.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('?')) else {
        return Ok(None);
    };
    let asked = asked(context, query).await?;
    Ok(asked.map(|asked| asked.redirect_uri.origin().ascii_serialization()))
}

fn refused(error: &'static str, why: &'static str) -> Refused {
    Refused { error, why }
}

fn unknown() -> Error {
    Error::invalid("The program that sent you here is not known, or not at that address.").with_code("INVALID_CLIENT")
}
