//! The one list of the OAuth endpoints. Who may use them is what they find out.

use syscall_sdk::admission::Class;
use syscall_sdk::auth::Access;
use syscall_sdk::service::{Route, Routes};
use syscall_sdk::wire::Json;

use super::{authorize, discovery, end_session, grant, lookup};

pub(crate) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::get("/.well-known/openid-configuration", Access::Public, discovery::configuration)
                .says("What a client needs to know of this provider (OpenID Connect Discovery).")
                .gives::<Json>(200, "The endpoints, and what they take."),
        )
        .with(
            Route::get("/.well-known/oauth-authorization-server", Access::Public, discovery::configuration)
                .says("The same, where RFC 8414 puts it.")
                .gives::<Json>(200, "The endpoints, and what they take."),
        )
        .with(
            Route::get("/.well-known/jwks.json", Access::Public, discovery::keys)
                .says("The keys that sign tokens (RFC 7517).")
                .gives::<Json>(200, "The keys, the next one among them."),
        )
        .with(
            query(Route::get("/oauth/authorize", Access::Public, authorize::ask))
                .says("Where a person allows a client to act for them (RFC 6749, section 3.1); PKCE is asked of everyone.")
                .page(),
        )
        .with(
            query(Route::post("/oauth/authorize", Access::Public, authorize::answer))
                .says("What a person says to a client that asks.")
                .page(),
        )
        .with(
            post("/oauth/token", grant::token)
                .says("A code, a refresh token or a client's own secret for an access token.")
                .class(Class::Auth),
        )
        .with(
            Route::get("/oauth/logout", Access::Public, end_session::end)
                .says("Signs a person out at the wish of a client that has (OpenID Connect RP-Initiated Logout).")
                .query("id_token_hint", "string", "The id token of the session that is to end.")
                .query("client_id", "string", "Who asks; the audience of the hint.")
                .query("post_logout_redirect_uri", "string", "Where the person goes then: one of the client's.")
                .query("state", "string", "Given back as it came.")
                .gives_media(303, "To the client, to the sign-in page, or to where the person is asked.", ""),
        )
        .with(post("/oauth/introspect", lookup::introspect).says("Whether a token is good (RFC 7662)."))
        .with(post("/oauth/revoke", lookup::revoke).says("An end to a token (RFC 7009)."))
}

fn post<H, T>(path: &'static str, handler: H) -> Route
where
    H: axum::handler::Handler<T, syscall_sdk::context::Context>,
    T: 'static,
{
    Route::post(path, Access::Public, handler)
        .header(
            "authorization",
            "The client's id and secret, as Basic; or both in the form. A service of the fleet shows its own token, as Bearer.",
        )
        .gives::<Json>(200, "What was asked for.")
        .gives::<Json>(
            400,
            "What is wrong, as `error` and `error_description` (RFC 6749, section 5.2).",
        )
        .gives::<Json>(401, "The client did not show who it is.")
}

fn query(route: Route) -> Route {
    [
        ("response_type", "`code`."),
        ("client_id", "Who asks."),
        (
            "redirect_uri",
            "Where the code goes: one of the client's, letter by letter.",
        ),
        ("scope", "`openid`, `profile`, `email`, `offline_access`, and roles."),
        ("state", "Given back as it came."),
        ("nonce", "Put into the id token."),
        ("code_challenge", "PKCE's challenge (RFC 7636)."),
        ("code_challenge_method", "`S256`."),
        ("prompt", "`none`, `login` or `consent`."),
        ("max_age", "How long ago they may have signed in, in seconds."),
    ]
    .into_iter()
    .fold(route, |route, (name, says)| route.query(name, "string", says))
    .gives_media(
        303,
        "Back to the client with a code or an error, or to the sign-in page.",
        "",
    )
    .gives_media(
        400,
        "The client or its address is unknown, so that nobody is sent anywhere.",
        "text/html",
    )
}
