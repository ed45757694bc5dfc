use serde_json::json;

use crate::oauth::{CONSOLE, VERIFIER, basic, client, code, exchange, parameter, refresh, request};
use crate::support::{Browser, Core, PASSWORD};

async fn started() -> Core {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    core
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    let core = started().await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    for (id, redirect) in [
        ("console", "https://evil.example/auth/callback"),
        ("console", "http://console.localhost:8000/auth/callback/"),
        ("console", "http://console.localhost:8000/auth/callback?x=1"),
        ("console", "http://console.localhost:8000/auth/callbac"),
        ("console", "HTTP://console.localhost:8000/auth/callback"),
        ("core", CONSOLE),
        ("nobody", CONSOLE),
        ("../console", CONSOLE),
        ("", CONSOLE),
    ] {
        let answer = browser.get(&request(id, redirect, "openid")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (400, ""),
            "{id} {redirect}"
        );
    }
    let twice = format!(
        "{}&redirect_uri=https://evil.example/",
        request("console", CONSOLE, "openid")
    );
    assert_eq!(browser.get(&twice).await.status, 400);
}

#[tokio::test]
async fn a_request_without_pkce_is_refused() {
    let core = started().await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    let asked = request("console", CONSOLE, "openid");
    for (from, to) in [
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("&code_challenge_method=S256", ""),
        ("code_challenge=", "code_challenge=!"),
        ("response_type=code", "response_type=token"),
        ("state=a+state", "state=a+state&state=b"),
    ] {
        let changed = asked.replace(from, to);
        assert_ne!(changed, asked);
        let back = browser.get(&changed).await;
        assert!(
            parameter(&back, "error").is_some() && parameter(&back, "code").is_none(),
            "{to}"
        );
    }
}

#[tokio::test]
async fn a_code_is_for_one_client_one_address_and_one_verifier() {
    let core = started().await;
    let (other, secret) = client(&core, &["https://app.example/cb"], &[]).await;
    let header = basic(&other, &secret);
    for (headers, change) in [
        (
            vec![],
            ("code_verifier", "another-verifier-that-is-long-enough-to-be-one"),
        ),
        (vec![], ("redirect_uri", "http://console.localhost:8000/")),
        (vec![("authorization", header.as_str())], ("client_id", other.as_str())),
        (vec![], ("client_id", "docs")),
    ] {
        let code = code(&core, "openid").await;
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CONSOLE),
            ("code_verifier", VERIFIER),
            ("client_id", "console"),
        ];
        for pair in &mut pairs {
            if pair.0 == change.0 {
                *pair = change;
            }
        }
        let refused = core.post("/oauth/token", &headers, &pairs).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]),
            (400, &json!("invalid_grant")),
            "{change:?}"
        );
        let after = exchange(&core, &code).await;
        assert_eq!(after.status, 400, "a code in the wrong hands is spent: {change:?}");
    }
}

#[tokio::test]
async fn a_code_that_comes_again_ends_what_it_brought() {
    let core = started().await;
    let code = code(&core, "openid offline_access").await;
    let tokens = exchange(&core, &code).await.json();
    let again = exchange(&core, &code).await;
    assert_eq!(again.json()["error"], json!("invalid_grant"));
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&core, token).await.json()["error"], json!("invalid_grant"));
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_its_family() {
    let core = started().await;
    let code = code(&core, "openid offline_access").await;
    let first = exchange(&core, &code).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = refresh(&core, &first).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(refresh(&core, &first).await.status, 400, "the thief's, or the owner's");
    assert_eq!(refresh(&core, &second).await.status, 400, "and the other's");
    let recent = core.get("/v1/sys/events/recent?event=token:revoked").await.json();
    assert_eq!(recent["events"][0]["data"]["reason"], json!("reused"));
}

#[tokio::test]
async fn of_two_refreshes_at_once_at_most_one_comes_through() {
    let core = started().await;
    for _ in 0..5 {
        let code = code(&core, "openid offline_access").await;
        let token = exchange(&core, &code).await.json()["refresh_token"]
            .as_str()
            .unwrap()
            .to_owned();
        let both = futures_util::future::join_all((0..4).map(|_| refresh(&core, &token))).await;
        let good = both.iter().filter(|answer| answer.status == 200).count();
        assert!(good <= 1, "{good} of one token");
    }
}

#[tokio::test]
async fn a_refresh_token_is_of_no_use_to_another_client() {
    let core = started().await;
    let code = code(&core, "openid offline_access").await;
    let token = exchange(&core, &code).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let (other, secret) = client(&core, &["https://app.example/cb"], &[]).await;
    let header = basic(&other, &secret);
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let refused = core.post("/oauth/token", &[("authorization", &header)], &pairs).await;
    assert_eq!(refused.json()["error"], json!("invalid_grant"));
    assert_eq!(
        refresh(&core, &token).await.status,
        200,
        "nor can it end what is the first client's"
    );
}

#[tokio::test]
async fn a_client_that_does_not_show_who_it_is_gets_nothing() {
    let core = started().await;
    let (id, secret) = client(&core, &[], &["logs read"]).await;
    let grant = ("grant_type", "client_credentials");
    let wrong = basic(&id, "wrong");
    let right = basic(&id, &secret);
    for (headers, pairs, status, error) in [
        (vec![], vec![grant], 401, "invalid_client"),
        (vec![], vec![grant, ("client_id", id.as_str())], 401, "invalid_client"),
        (
            vec![("authorization", wrong.as_str())],
            vec![grant],
            401,
            "invalid_client",
        ),
        (vec![("authorization", "Basic ***")], vec![grant], 401, "invalid_client"),
        (vec![("authorization", "Bearer x")], vec![grant], 401, "invalid_client"),
        (
            vec![("authorization", right.as_str())],
            vec![grant, ("client_secret", "x")],
            400,
            "invalid_request",
        ),
        (
            vec![("authorization", right.as_str())],
            vec![grant, ("client_id", "console")],
            400,
            "invalid_request",
        ),
        (
            vec![("authorization", right.as_str())],
            vec![grant, grant],
            400,
            "invalid_request",
        ),
        (vec![("authorization", right.as_str())], vec![], 400, "invalid_request"),
        (
            vec![("authorization", right.as_str())],
            vec![("grant_type", "password")],
            400,
            "unsupported_grant_type",
        ),
        (
            vec![("authorization", right.as_str())],
            vec![("grant_type", "refresh_token")],
            400,
            "invalid_request",
        ),
    ] {
        let refused = core.post("/oauth/token", &headers, &pairs).await;
        let told = (refused.status.as_u16(), refused.json()["error"].clone());
        assert_eq!(told, (status, json!(error)), "{headers:?} {pairs:?}");
        if status == 401 {
            assert!(refused.headers.contains_key("www-authenticate"));
        }
    }
    // In development the fleet's own pages show no secret, and speak for people alone.
    let own = core.post("/oauth/token", &[], &[grant, ("client_id", "console")]).await;
    assert_eq!(own.json()["error"], json!("unauthorized_client"));
}

#[tokio::test]
async fn outside_development_the_fleets_own_pages_keep_a_secret() {
    let core = Core::start_with(&[("ENVIRONMENT", "test"), ("SYSCALL_AUTH", "open")]).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("redirect_uri", CONSOLE),
        ("code_verifier", VERIFIER),
        ("client_id", "console"),
    ];
    assert_eq!(core.post("/oauth/token", &[], &pairs).await.status, 401);
    let made = core.call("rotateClientSecret", json!({ "id": "console" })).await;
    let header = basic("console", made["secret"].as_str().unwrap());
    let known = core.post("/oauth/token", &[("authorization", &header)], &pairs).await;
    assert_eq!(
        known.json()["error"],
        json!("invalid_grant"),
        "it is known, and the code is not"
    );
}

#[tokio::test]
async fn a_token_that_core_did_not_sign_is_not_active() {
    let core = started().await;
    let code = code(&core, "openid").await;
    let access = exchange(&core, &code).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let (id, secret) = client(&core, &[], &[]).await;
    let header = basic(&id, &secret);
    let parts: Vec<&str> = access.split('.').collect();
    let encode = |value: serde_json::Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let kid = jsonwebtoken::decode_header(&access).unwrap().kid;
    let none = encode(json!({ "alg": "none", "typ": "at+jwt", "kid": kid }));
    let hmac = encode(json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }));
    let unknown = encode(json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "unknown" }));
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{hmac}.{}.{}", parts[1], parts[2]),
        format!("{unknown}.{}.{}", parts[1], parts[2]),
        format!(
            "{}.{}.{}",
            parts[0],
            encode(json!({ "sub": "root", "exp": 9_999_999_999_i64 })),
            parts[2]
        ),
        format!("{}.{}.", parts[0], parts[1]),
        "brr_a~b~c".to_owned(),
        "brr_../..~x~y".to_owned(),
        String::new(),
    ] {
        let found = core
            .post(
                "/oauth/introspect",
                &[("authorization", &header)],
                &[("token", &forged)],
            )
            .await;
        assert_eq!(found.json(), json!({ "active": false }), "{forged}");
    }
}

#[tokio::test]
async fn bad_clients_are_refused() {
    let core = Core::start().await;
    for params in [
        json!({ "name": "" }),
        json!({ "name": "x", "redirectUris": ["http://app.example/"] }),
        json!({ "name": "x", "redirectUris": ["https://app.example/#a"] }),
        json!({ "name": "x", "redirectUris": vec!["https://app.example/"; 11] }),
        json!({ "name": "x", "confidential": false, "rights": ["logs read"] }),
    ] {
        let refused = core.refused("createClient", params.clone()).await;
        assert_eq!(refused, (400, "INVALID_CLIENT_METADATA".to_owned()), "{params}");
    }
    assert_eq!(
        core.refused("deleteClient", json!({ "id": "../x" })).await,
        (404, "CLIENT_NOT_FOUND".to_owned())
    );
    assert_eq!(
        core.refused("rotateClientSecret", json!({ "id": "core" })).await,
        (404, "CLIENT_NOT_FOUND".to_owned())
    );
}
