//! The one list of core's pages. Each looks at the session cookie itself, since most are for who has none yet.

use http::HeaderMap;
use syscall_sdk::admission::Class;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::http::Path;
use syscall_sdk::service::{Route, Routes};

use super::form::Posted;
use super::{account, account_factor, account_keys, sign_in, sign_out, welcome};
use crate::passwords::Hasher;

const AFTER: &str = "To the page that follows.";

pub(crate) fn routes(hasher: &Hasher) -> Routes {
    let (first, changed, chosen) = (hasher.clone(), hasher.clone(), hasher.clone());
    let sign_in = move |context: Context, headers: HeaderMap, form: Posted<sign_in::Credentials>| {
        sign_in::answer(first.clone(), context, headers, form)
    };
    let change = move |context: Context, headers: HeaderMap, form: Posted<account::NewPassword>| {
        account::change_password(changed.clone(), context, headers, form)
    };
    let choose = move |context: Context, headers: HeaderMap, link: Path, form: Posted<welcome::Choice>| {
        welcome::answer(chosen.clone(), context, headers, link, form)
    };
    Routes::new()
        .with(
            Route::get("/login", Access::Public, sign_in::ask)
                .says("Where people sign in.")
                .query("return", "string", "The path to which they go then.")
                .query("again", "string", "Asks anew whoever is signed in.")
                .page()
                .gives_media(303, AFTER, ""),
        )
        .with(
            form("/login", sign_in)
                .says("Signs in with an address and a password.")
                .class(Class::Auth),
        )
        .with(
            Route::get("/login/code", Access::Public, sign_in::ask_code)
                .says("Where people show their second factor.")
                .query("return", "string", "The path to which they go then.")
                .page()
                .gives_media(303, AFTER, ""),
        )
        .with(
            form("/login/code", sign_in::answer_code)
                .says("Signs in with a second factor.")
                .class(Class::Auth),
        )
        .with(
            Route::get("/logout", Access::Public, sign_out::ask)
                .says("Asks whether to sign out.")
                .page()
                .gives_media(303, AFTER, ""),
        )
        .with(form("/logout", sign_out::answer).says("Signs out."))
        .with(
            Route::get("/welcome/{link}", Access::Public, welcome::ask)
                .says("Where a link lets someone choose a password.")
                .page()
                .gives_media(404, "The link is over.", "text/html"),
        )
        .with(form("/welcome/{link}", choose).says("Sets a password by a link."))
        .with(
            Route::get("/account", Access::Public, account::see)
                .says("The account of who is signed in: sessions, keys, second factor, password.")
                .query("done", "string", "What was done just now.")
                .page()
                .gives_media(303, "To the sign-in page.", ""),
        )
        .with(form("/account/sessions/end", account::end_session).says("Ends a session of one's own."))
        .with(form("/account/password", change).says("Changes one's password."))
        .with(form("/account/keys", account_keys::create).says("Makes a key of one's own and shows it, this once."))
        .with(form("/account/keys/revoke", account_keys::revoke).says("Revokes a key of one's own."))
        .with(form("/account/factor", account_factor::begin).says("Begins to turn on one's second factor."))
        .with(form("/account/factor/confirm", account_factor::confirm).says("Turns on one's second factor by a code."))
        .with(form("/account/factor/off", account_factor::end).says("Turns off one's second factor by a code."))
}

/// A form that a page of core's sends.
fn form<H, T>(path: &'static str, handler: H) -> Route
where
    H: axum::handler::Handler<T, Context>,
    T: 'static,
{
    Route::post(path, Access::Public, handler)
        .page()
        .gives_media(303, AFTER, "")
        .gives_media(400, "The form is not one of these.", "text/html")
        .gives_media(
            403,
            "What was shown is wrong, or the form is another site's.",
            "text/html",
        )
        .gives_media(422, "What was chosen will not do; the page says why.", "text/html")
        .gives_media(
            429,
            "Too many attempts; `Retry-After` says how long to wait.",
            "text/html",
        )
}
