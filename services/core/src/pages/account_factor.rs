//! The second factor of an account: turned on by showing that it works, and off the same way.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::pages::{Html, code_block};

use super::account::signed_in_form;
use super::form::{self, Posted, fields};
use super::frame::{page, see_other, shown, with_status};
use super::visitor::Visitor;
use crate::{throttle, totp};

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    form: String,
    #[serde(default)]
    code: String,
}

#[derive(Template)]
#[template(path = "factor.html")]
struct Enrol {
    form: String,
    secret: Option<Html>,
    uri: Option<String>,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct Recovery {
    codes: Html,
}

pub(super) async fn begin(context: Context, headers: HeaderMap, posted: Posted<Said>) -> Response {
    let page = async {
        let said = fields(posted)?;
        let Some((context, visitor)) = signed_in_form(&context, &headers, &said.form).await? else {
            return Ok(see_other("/login"));
        };
        // A secret that is in force is not replaced by who has found an open browser: it is turned off first, by a code.
        if totp::is_on(&context, &visitor.user.id).await? {
            return Ok(see_other("/account"));
        }
        let new = totp::enrol(&context, &visitor.user).await?;
        let content = Enrol {
            form: form::token_of(&visitor.token),
            secret: Some(code_block("The secret", &new.secret)),
            uri: Some(new.uri),
            problem: None,
        };
        Ok(page(&context, "Second factor", "/account/factor", content).await)
    };
    shown(&context, page.await).await
}

pub(super) async fn confirm(context: Context, headers: HeaderMap, posted: Posted<Said>) -> Response {
    let page = async {
        let said = fields(posted)?;
        let Some((context, visitor)) = signed_in_form(&context, &headers, &said.form).await? else {
            return Ok(see_other("/login"));
        };
        bounded(&context, &visitor).await?;
        if totp::is_on(&context, &visitor.user.id).await? {
            return Ok(see_other("/account"));
        }
        let Some(codes) = totp::confirm(&context, &visitor.user.id, &said.code).await? else {
            let content = Enrol {
                form: form::token_of(&visitor.token),
                secret: None,
                uri: None,
                problem: Some(
                    "That is not the code of the new secret. Look again, or begin anew from the account's page.",
                ),
            };
            let again = page(&context, "Second factor", "/account/factor", content).await;
            return Ok(with_status(again, StatusCode::UNPROCESSABLE_ENTITY));
        };
        throttle::forgive(&context, &throttle::CODE, &visitor.user.id).await?;
        let content = Recovery {
            codes: code_block("Recovery codes", codes.join("\n")),
        };
        Ok(page(&context, "Recovery codes", "/account/factor", content).await)
    };
    shown(&context, page.await).await
}

pub(super) async fn end(context: Context, headers: HeaderMap, posted: Posted<Said>) -> Response {
    let page = async {
        let said = fields(posted)?;
        let Some((context, visitor)) = signed_in_form(&context, &headers, &said.form).await? else {
            return Ok(see_other("/login"));
        };
        bounded(&context, &visitor).await?;
        if !totp::check(&context, &visitor.user.id, &said.code).await? {
            return Err(
                Error::new(Kind::Forbidden, "The code is not right, or was used before.").with_code("WRONG_CODE"),
            );
        }
        throttle::forgive(&context, &throttle::CODE, &visitor.user.id).await?;
        totp::forget(&context, &visitor.user.id).await?;
        Ok(see_other("/account?done=factor"))
    };
    shown(&context, page.await).await
}

/// Bounds the guesses of who is signed in.
async fn bounded(context: &Context, visitor: &Visitor) -> Result<()> {
    match throttle::take(context, &[(&throttle::CODE, visitor.user.id.clone())]).await? {
        Some(wait) => Err(throttle::too_many(wait)),
        None => Ok(()),
    }
}
