//! Signing in: the password, the second factor where there is one, and the way back.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use blackroad_os_contracts::core::User;
use http::HeaderMap;
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::Query;
use syscall_sdk::http::way::in_query;

use super::cookie::Cookie;
use super::form::{self, Posted, fields};
use super::frame::{page_leading_to, see_other, shown, with_cookies, with_status};
use super::visitor::{origin, visitor};
use super::way_back;
use crate::login::{self, Attempt, Outcome};
use crate::oauth::authorize;
use crate::passwords::Hasher;
use crate::throttle;
use crate::totp::{self, Pending};
use crate::{devices, outside, sessions, token};

/// What is said of a password that is not the one, and of an address that is nobody's.
const WRONG: &str = "The address or the password is not right.";
/// How long a form of the sign-in page may lie: a night.
const FORM_LIFE: std::time::Duration = std::time::Duration::from_secs(12 * 60 * 60);

/// What the link to the page says.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "return")]
    way_back: Option<String>,
    /// Whether who is signed in is asked anew.
    again: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default, rename = "return")]
    way_back: String,
    #[serde(default)]
    form: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Code {
    #[serde(default)]
    code: String,
    #[serde(default, rename = "return")]
    way_back: String,
    #[serde(default)]
    form: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    email: &'a str,
    way_back: &'a str,
    form: String,
    problem: Option<String>,
    /// The other provider, and the way there.
    outside: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct AskCode<'a> {
    way_back: &'a str,
    form: String,
    problem: Option<String>,
}

pub(super) async fn ask(context: Context, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    let page = Box::pin(async {
        let way_back = way_back::of(asked.way_back.as_deref());
        if asked.again.is_none() && visitor(&context, &headers).await?.is_some() {
            return Ok(see_other(&way_back));
        }
        if asked.again.is_none() {
            match outside::access::user(&context, &headers).await {
                Ok(Some(user)) => return passed(&context, &headers, &user, &["fed"], &way_back).await,
                Ok(None) => {}
                // The password is still a way in.
                Err(error) => tracing::warn!(error = %error.chain(), "the edge's keys cannot be read"),
            }
        }
        password_page(&context, &headers, "", &way_back, None).await
    });
    shown(&context, page.await).await
}

pub(super) async fn answer(
    hasher: Hasher,
    context: Context,
    headers: HeaderMap,
    posted: Posted<Credentials>,
) -> Response {
    let page = Box::pin(async {
        let said = fields(posted)?;
        form::check(
            &context,
            &headers,
            Cookie::Form.read(&context, &headers).as_deref(),
            &said.form,
        )?;
        let way_back = way_back::of(Some(&said.way_back));
        let origin = origin(&context, &headers);
        let attempt = Attempt {
            email: &said.email,
            password: &said.password,
            origin: &origin,
        };
        match login::by_password(&context, &hasher, attempt).await? {
            Outcome::Known(user) => passed(&context, &headers, &user, &["pwd"], &way_back).await,
            Outcome::Wrong => {
                let again = password_page(&context, &headers, &said.email, &way_back, Some(WRONG.to_owned())).await?;
                Ok(with_status(again, StatusCode::FORBIDDEN))
            }
            Outcome::Wait(wait) => {
                let problem = waits(wait);
                let again = password_page(&context, &headers, &said.email, &way_back, Some(problem)).await?;
                Ok(slowed(again, wait))
            }
        }
    });
    shown(&context, page.await).await
}

pub(super) async fn ask_code(context: Context, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    let page = async {
        let way_back = way_back::of(asked.way_back.as_deref());
        let Some(token) = Cookie::Pending.read(&context, &headers) else {
            return Ok(see_other("/login"));
        };
        code_page(&context, &token, &way_back, None).await
    };
    shown(&context, page.await).await
}

pub(super) async fn answer_code(context: Context, headers: HeaderMap, posted: Posted<Code>) -> Response {
    let page = Box::pin(async {
        let said = fields(posted)?;
        let way_back = way_back::of(Some(&said.way_back));
        let Some(token) = Cookie::Pending.read(&context, &headers) else {
            return Ok(see_other("/login"));
        };
        form::check(&context, &headers, Some(&token), &said.form)?;
        let Some(pending) = Pending::of(&context, &token).await? else {
            return Ok(see_other("/login"));
        };
        let user = &pending.user;
        let origin = origin(&context, &headers);
        let bucket = match &origin.device {
            Some(device) if devices::is_known(&context, device, &user.id).await? => {
                (&throttle::DEVICE_CODE, format!("{} {device}", user.id))
            }
            _ => (&throttle::CODE, user.id.clone()),
        };
        if let Some(wait) = throttle::take(&context, std::slice::from_ref(&bucket)).await? {
            let again = code_page(&context, &token, &way_back, Some(waits(wait))).await?;
            return Ok(slowed(again, wait));
        }
        if !totp::check(&context, &user.id, &said.code).await? {
            context.refused("login", &format!("user/{}", user.id), "WRONG_CODE");
            let problem = "The code is not right, or was used before.".to_owned();
            let again = code_page(&context, &token, &way_back, Some(problem)).await?;
            return Ok(with_status(again, StatusCode::FORBIDDEN));
        }
        throttle::forgive(&context, bucket.0, &bucket.1).await?;
        pending.done(&context).await?;
        let response = signed_in(&context, &headers, user, &["pwd", "otp", "mfa"], &way_back).await?;
        Ok(with_cookies(response, [Cookie::Pending.clear(&context)]))
    });
    shown(&context, page.await).await
}

/// Goes on for who has shown the first factor: to the second where there is one, else in.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn passed(
    context: &Context,
    headers: &HeaderMap,
    user: &User,
    methods: &[&str],
    way_back: &str,
) -> Result<Response> {
    if !totp::is_on(context, &user.id).await? {
        return signed_in(context, headers, user, methods, way_back).await;
    }
    let pending = totp::waiting(context, user).await?;
    let next = format!("/login/code?return={}", in_query(way_back));
    let cookie = Cookie::Pending.set(context, &pending, totp::PENDING_LIFE);
    Ok(with_cookies(see_other(&next), [cookie]))
}

/// Begins a session, with a token that is new: one that was there before, whoever put it there, is worth nothing.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn signed_in(
    context: &Context,
    headers: &HeaderMap,
    user: &User,
    methods: &[&str],
    way_back: &str,
) -> Result<Response> {
    let origin = origin(context, headers);
    // A browser may be several people's; each makes it known for themselves.
    let device = match &origin.device {
        Some(device) if token::decoded(device).is_some_and(|bytes| bytes.len() == 32) => device.clone(),
        _ => token::secret()?,
    };
    let session = sessions::begin(context, user, methods, &origin, &device).await?;
    let cookies = [
        Cookie::Session.set(context, &session, sessions::cookie_life()),
        Cookie::Device.set(context, &device, devices::LIFE),
    ];
    Ok(with_cookies(see_other(way_back), cookies))
}

async fn password_page(
    context: &Context,
    headers: &HeaderMap,
    email: &str,
    way_back: &str,
    problem: Option<String>,
) -> Result<Response> {
    let (secret, is_new) = form::secret_of(context, headers)?;
    let content = SignIn {
        email,
        way_back,
        form: form::token_of(&secret),
        problem,
        outside: outside::name(context).map(|name| (name, in_query(way_back))),
    };
    let leads = authorize::leads_to(context, way_back).await?;
    let page = page_leading_to(context, "Sign in", "/login", content, leads).await;
    let cookie = is_new.then(|| Cookie::Form.set(context, &secret, FORM_LIFE));
    Ok(with_cookies(page, cookie))
}

async fn code_page(context: &Context, token: &str, way_back: &str, problem: Option<String>) -> Result<Response> {
    let content = AskCode {
        way_back,
        form: form::token_of(token),
        problem,
    };
    let leads = authorize::leads_to(context, way_back).await?;
    Ok(page_leading_to(context, "Second factor", "/login/code", content, leads).await)
}

fn waits(wait: std::time::Duration) -> String {
    format!("Too many attempts. Try again in {} s.", wait.as_secs() + 1)
}

fn slowed(response: Response, wait: std::time::Duration) -> Response {
    let mut response = with_status(response, StatusCode::TOO_MANY_REQUESTS);
    let seconds = http::HeaderValue::from(wait.as_secs() + 1);
    response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
    response
}
