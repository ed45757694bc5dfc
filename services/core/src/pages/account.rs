//! The account's page: what someone who is signed in sees of themselves, and changes.

use askama::Template;
use axum::response::Response;
use blackroad_os_contracts::core::{ApiKey, Session, User};
use http::HeaderMap;
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::Query;
use syscall_sdk::pages::{Html, time};
use syscall_sdk::wire::Timestamp;

use super::browser;
use super::form::{self, Posted, fields};
use super::frame::{page, see_other, shown};
use super::sign_in::signed_in;
use super::visitor::{Visitor, visitor};
use crate::passwords::{self, Hasher};
use crate::{keys, roles, sessions, totp};

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'a> {
    user: &'a User,
    current: &'a str,
    form: String,
    told: Option<&'static str>,
    idle: i64,
    sessions: Vec<Session>,
    keys: Vec<ApiKey>,
    roles: Vec<String>,
    rights: Vec<String>,
    factor: bool,
}

impl Account<'_> {
    fn at(&self, moment: &Timestamp) -> Html {
        time(*moment)
    }

    fn browser(&self, session: &Session) -> String {
        session
            .agent
            .as_deref()
            .map_or_else(|| "unknown browser".to_owned(), browser::named)
    }
}

/// What was done, for the page that follows it.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    done: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EndSession {
    #[serde(default)]
    form: String,
    #[serde(default)]
    id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewPassword {
    #[serde(default)]
    form: String,
    #[serde(default)]
    current: String,
    #[serde(default)]
    new: String,
}

pub(super) async fn see(context: Context, headers: HeaderMap, Query(after): Query<After>) -> Response {
    let page = async {
        let Some(Visitor { user, session, token }) = visitor(&context, &headers).await? else {
            return Ok(see_other("/login?return=/account"));
        };
        let rights = roles::rights_of(&context, &user.id).await?;
        let content = Account {
            current: &session.id,
            form: form::token_of(&token),
            told: after.done.as_deref().and_then(words),
            idle: sessions::idle_hours(),
            sessions: sessions::live(&context, &user.id).await?,
            keys: keys::of_user(&context, &user.id).await?,
            roles: rights.roles,
            rights: rights.rights,
            factor: totp::is_on(&context, &user.id).await?,
            user: &user,
        };
        Ok(page(&context, "Account", "/account", content).await)
    };
    shown(&context, page.await).await
}

/// What is said of a change; a link can choose among these words and say nothing else.
fn words(done: &str) -> Option<&'static str> {
    Some(match done {
        "session" => "The session has ended.",
        "key" => "The key is revoked.",
        "factor" => "The second factor is off.",
        "password" => "The password is changed; every other session has ended.",
        _ => return None,
    })
}

pub(super) async fn end_session(context: Context, headers: HeaderMap, posted: Posted<EndSession>) -> Response {
    let page = async {
        let said = fields(posted)?;
        let Some((context, visitor)) = signed_in_form(&context, &headers, &said.form).await? else {
            return Ok(see_other("/login"));
        };
        sessions::end(&context, &visitor.user.id, Some(&said.id)).await?;
        Ok(see_other("/account?done=session"))
    };
    shown(&context, page.await).await
}

pub(super) async fn change_password(
    hasher: Hasher,
    context: Context,
    headers: HeaderMap,
    posted: Posted<NewPassword>,
) -> Response {
    let page = Box::pin(async {
        let said = fields(posted)?;
        let Some((context, visitor)) = signed_in_form(&context, &headers, &said.form).await? else {
            return Ok(see_other("/login"));
        };
        let user = &visitor.user;
        if !passwords::prove(&context, &hasher, &user.id, &said.current).await? {
            return Err(
                Error::new(Kind::Forbidden, "The current password is not the one that was given.")
                    .with_code("INVALID_CREDENTIALS"),
            );
        }
        passwords::set(&context, &hasher, user, &said.new).await?;
        // Every session has ended, this one too; who has just shown the password begins another.
        let methods: Vec<&str> = visitor.session.methods.iter().map(String::as_str).collect();
        signed_in(&context, &headers, user, &methods, "/account?done=password").await
    });
    shown(&context, page.await).await
}

/// Who sent a form of a page for who is signed in, and the request as theirs, for the record; `None` where nobody is any more.
///
/// # Errors
/// `CROSS_SITE`, `FORM_EXPIRED`.
pub(super) async fn signed_in_form(
    context: &Context,
    headers: &HeaderMap,
    shown: &str,
) -> Result<Option<(Context, Visitor)>> {
    let Some(visitor) = visitor(context, headers).await? else {
        return Ok(None);
    };
    form::check(context, headers, Some(&visitor.token), shown)?;
    let theirs = context.acting(&format!("user/{}", visitor.user.id));
    Ok(Some((theirs, visitor)))
}
