//! Setting a password by a link: the first one, or another where it was forgotten.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::Path;

use super::form::{self, Posted, fields};
use super::frame::{page, see_other, shown, with_status};
use crate::passwords::{self, Hasher};

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    password: String,
    #[serde(default)]
    form: String,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome<'a> {
    link: &'a str,
    email: &'a str,
    form: String,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "spent.html")]
struct Spent;

pub(super) async fn ask(context: Context, Path(link): Path) -> Response {
    let page = choose(&context, &link, None);
    shown(&context, page.await).await
}

pub(super) async fn answer(
    hasher: Hasher,
    context: Context,
    headers: HeaderMap,
    Path(link): Path,
    posted: Posted<Choice>,
) -> Response {
    let page = Box::pin(async {
        let said = fields(posted)?;
        // Nobody is signed in; the link itself is the secret that binds the form.
        form::check(&context, &headers, Some(&link), &said.form)?;
        match passwords::set_by_link(&context, &hasher, &link, &said.password).await {
            Ok(Some(_)) => Ok(see_other("/login")),
            Ok(None) => Ok(spent(&context).await),
            Err(error) if error.code() == "WEAK_PASSWORD" => {
                let again = choose(&context, &link, Some(error.message().to_owned())).await?;
                Ok(with_status(again, StatusCode::UNPROCESSABLE_ENTITY))
            }
            Err(error) => Err(error),
        }
    });
    shown(&context, page.await).await
}

async fn choose(context: &Context, link: &str, problem: Option<String>) -> Result<Response> {
    let Some(user) = passwords::holder_of(context, link).await? else {
        return Ok(spent(context).await);
    };
    let content = Welcome {
        link,
        email: &user.email,
        form: form::token_of(link),
        problem,
    };
    Ok(page(context, "Choose a password", "/welcome", content).await)
}

async fn spent(context: &Context) -> Response {
    let page = page(context, "This link is over", "/welcome", Spent).await;
    with_status(page, StatusCode::NOT_FOUND)
}
