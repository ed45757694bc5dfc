//! The keys of an account: made and shown once, revoked.

use askama::Template;
use axum::response::Response;
use blackroad_os_contracts::core::{CreateApiKey, RevokeApiKey, UserId};
use http::HeaderMap;
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::Error;
use syscall_sdk::pages::{Html, code_block};

use super::account::signed_in_form;
use super::form::{Posted, fields};
use super::frame::{page, see_other, shown};
use crate::keys;

#[derive(Debug, Deserialize)]
pub(super) struct NewKey {
    #[serde(default)]
    form: String,
    #[serde(default)]
    name: String,
    /// One a line.
    #[serde(default)]
    rights: String,
    #[serde(default)]
    days: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Revoke {
    #[serde(default)]
    form: String,
    #[serde(default)]
    id: String,
}

#[derive(Template)]
#[template(path = "new_key.html")]
struct Made<'a> {
    name: &'a str,
    key: Html,
}

pub(super) async fn create(context: Context, headers: HeaderMap, posted: Posted<NewKey>) -> Response {
    let page = Box::pin(async {
        let said = fields(posted)?;
        let Some((context, visitor)) = signed_in_form(&context, &headers, &said.form).await? else {
            return Ok(see_other("/login"));
        };
        let days = said.days.trim();
        let days: Option<u32> = if days.is_empty() {
            None
        } else {
            Some(days.parse().map_err(|_| no_days())?)
        };
        let lines = said.rights.lines().map(str::trim).filter(|line| !line.is_empty());
        let params = CreateApiKey {
            user_id: UserId(visitor.user.id),
            name: said.name,
            rights: lines.map(str::to_owned).collect(),
            expires_in_days: days,
        };
        let made = keys::create(context.clone(), params).await?;
        let content = Made {
            name: &made.key.name,
            key: code_block("The key", &made.secret.0),
        };
        Ok(page(&context, "New key", "/account/keys", content).await)
    });
    shown(&context, page.await).await
}

pub(super) async fn revoke(context: Context, headers: HeaderMap, posted: Posted<Revoke>) -> Response {
    let page = async {
        let said = fields(posted)?;
        let Some((context, visitor)) = signed_in_form(&context, &headers, &said.form).await? else {
            return Ok(see_other("/login"));
        };
        let params = RevokeApiKey {
            user_id: UserId(visitor.user.id),
            id: said.id,
        };
        keys::revoke(context.clone(), params).await?;
        Ok(see_other("/account?done=key"))
    };
    shown(&context, page.await).await
}

fn no_days() -> Error {
    Error::invalid("the days until a key expires are a whole number, or nothing").with_code("INVALID_EXPIRY")
}
