//! Signing in by way of another provider, which is another core: every request between the two goes over a socket.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use serde_json::json;
use syscall_sdk::host::Door;
use syscall_sdk::transport::Bind;

use crate::support::{Answer, Browser, Core, PASSWORD};

/// A provider that listens, and its issuer.
async fn provider() -> (Core, String) {
    // Its own name is part of what it says, so the port has to be known before it starts.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let issuer = format!("http://127.0.0.1:{port}");
    let bind = Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let door = Door::of_fleet("core", vec![bind]);
    let told = [
        ("ENVIRONMENT", "test"),
        ("SYSCALL_AUTH", "open"),
        ("CORE_URL", issuer.as_str()),
    ];
    (Core::start_at(&told, vec![door]).await, issuer)
}

/// A core that lets people sign in by a provider, which knows it as a client.
async fn relying(provider: &Core, issuer: &str) -> Core {
    let redirect = "http://core.localhost:8000/login/outside/callback";
    let made = provider
        .call("createClient", json!({ "name": "Us", "redirectUris": [redirect] }))
        .await;
    let (id, secret) = (made["client"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    Core::start_with(&[
        ("OIDC_ISSUER", issuer),
        ("OIDC_CLIENT_ID", id),
        ("OIDC_CLIENT_SECRET", secret),
    ])
    .await
}

/// What the provider makes of where a browser is sent: it signs Ada in, and she allows it.
async fn at_provider(provider: &Core, issuer: &str, to: &Answer) -> Answer {
    let path = to
        .location()
        .strip_prefix(issuer)
        .expect("it leads to the provider")
        .to_owned();
    let mut there = Browser::new(provider, "192.0.2.1");
    there.sign_in("ada@b.example", PASSWORD, &path).await;
    let consent = there.get(&path).await;
    there
        .post(&path, &[("form", &consent.form()), ("decision", "allow")])
        .await
}

#[tokio::test]
async fn someone_with_an_account_here_signs_in_there() {
    let (provider, issuer) = provider().await;
    provider.user("ada@b.example").await;
    let core = relying(&provider, &issuer).await;
    let id = core
        .call("createUser", json!({ "email": "ada@b.example", "name": "Ada" }))
        .await["id"]
        .clone();
    let mut browser = Browser::new(&core, "192.0.2.1");
    assert!(browser.get("/login").await.text.contains("By 127.0.0.1"));
    for _ in 0..2 {
        let to = browser.get("/login/outside?return=/account").await;
        assert_eq!(to.status, 303, "{}", to.text);
        let back = at_provider(&provider, &issuer, &to).await;
        let path = back
            .location()
            .strip_prefix("http://core.localhost:8000")
            .unwrap()
            .to_owned();
        let mut stranger = Browser::new(&core, "192.0.2.9");
        assert_eq!(
            stranger.get(&path).await.status,
            403,
            "the sign-in began in another browser"
        );
        let signed_in = browser.get(&path).await;
        assert_eq!(
            (signed_in.status.as_u16(), signed_in.location()),
            (303, "/account"),
            "{}",
            signed_in.text
        );
        assert_eq!(browser.get(&path).await.status, 403, "an answer is good once");
        let sessions = core.call("listSessions", json!({ "id": id })).await;
        assert_eq!(sessions["sessions"][0]["methods"], json!(["fed"]));
        // From now on the account is found by the subject, whatever its address.
        core.call("updateUser", json!({ "id": id, "email": "lovelace@b.example" }))
            .await;
    }
}

#[tokio::test]
async fn nobody_gets_an_account_by_having_one_there() {
    let (provider, issuer) = provider().await;
    provider.user("ada@b.example").await;
    let core = relying(&provider, &issuer).await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    let to = browser.get("/login/outside").await;
    let back = at_provider(&provider, &issuer, &to).await;
    let path = back
        .location()
        .strip_prefix("http://core.localhost:8000")
        .unwrap()
        .to_owned();
    assert_eq!(browser.get(&path).await.status, 403);
    assert!(!browser.cookies.contains_key("session"));
    assert_eq!(core.call("listUsers", json!({})).await["users"], json!([]));
}

#[tokio::test]
async fn where_no_provider_is_configured_there_is_no_way_to_one() {
    let core = Core::start().await;
    assert_eq!(core.get("/login/outside").await.status, 404);
    assert_eq!(core.get("/login/outside/callback?code=x&state=y").await.status, 404);
    assert!(!core.get("/login").await.text.contains("/login/outside"));
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_told_as_such() {
    let told = [
        ("OIDC_ISSUER", "http://127.0.0.1:1"),
        ("OIDC_CLIENT_ID", "us"),
        ("OIDC_CLIENT_SECRET", "x"),
    ];
    let core = Core::start_with(&told).await;
    let answer = core.get("/login/outside").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text.contains("the provider does not answer"), "{}", answer.text);
}
