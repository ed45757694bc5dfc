//! Signing out, and the page that asks for it where somebody only followed a link.

use askama::Template;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use syscall_sdk::context::Context;

use super::cookie::Cookie;
use super::form::{self, Posted, fields};
use super::frame::{page, see_other, shown, with_cookies};
use super::visitor::visitor;
use crate::sessions;

#[derive(Debug, Deserialize)]
pub(super) struct SignOut {
    #[serde(default)]
    form: String,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct AskSignOut<'a> {
    name: &'a str,
    form: String,
}

pub(super) async fn ask(context: Context, headers: HeaderMap) -> Response {
    let page = async {
        let Some(visitor) = visitor(&context, &headers).await? else {
            return Ok(see_other("/login"));
        };
        let content = AskSignOut {
            name: &visitor.user.name,
            form: form::token_of(&visitor.token),
        };
        Ok(page(&context, "Sign out", "/logout", content).await)
    };
    shown(&context, page.await).await
}

pub(super) async fn answer(context: Context, headers: HeaderMap, posted: Posted<SignOut>) -> Response {
    let page = async {
        let said = fields(posted)?;
        if let Some(visitor) = visitor(&context, &headers).await? {
            form::check(&context, &headers, Some(&visitor.token), &said.form)?;
            let theirs = context.acting(&format!("user/{}", visitor.user.id));
            sessions::end(&theirs, &visitor.user.id, Some(&visitor.session.id)).await?;
        }
        Ok(with_cookies(see_other("/login"), [Cookie::Session.clear(&context)]))
    };
    shown(&context, page.await).await
}
