use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, Core, PASSWORD, form};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Where codes of the console go, as seen from the host under which the tests ask.
pub(crate) const CONSOLE: &str = "http://console.localhost:8000/auth/callback";

/// An authorization request of a client.
pub(crate) fn request(client: &str, redirect: &str, scope: &str) -> String {
    let query = form(&[
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect),
        ("scope", scope),
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    format!("/oauth/authorize?{query}")
}

/// A parameter of where an answer leads.
pub(crate) fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(answer.location()).unwrap();
    url.query_pairs()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// Signs Ada in and gives a code of the console.
pub(crate) async fn code(core: &Core, scope: &str) -> String {
    let mut browser = Browser::new(core, "192.0.2.1");
    let asked = request("console", CONSOLE, scope);
    let signed_in = browser.sign_in("ada@b.example", PASSWORD, &asked).await;
    assert_eq!(signed_in.location(), asked);
    let back = browser.get(&asked).await;
    assert_eq!(back.status, 303, "{}", back.text);
    assert!(back.location().starts_with(CONSOLE), "{}", back.location());
    assert_eq!(parameter(&back, "state").as_deref(), Some("a state"));
    assert_eq!(parameter(&back, "iss").as_deref(), Some("http://core.localhost:8000"));
    parameter(&back, "code").unwrap()
}

pub(crate) async fn exchange(core: &Core, code: &str) -> Answer {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CONSOLE),
        ("code_verifier", VERIFIER),
        ("client_id", "console"),
    ];
    core.post("/oauth/token", &[], &pairs).await
}

pub(crate) async fn refresh(core: &Core, token: &str) -> Answer {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "console"),
    ];
    core.post("/oauth/token", &[], &pairs).await
}

/// The claims of a token, verified by what core publishes.
pub(crate) async fn claims(core: &Core, token: &str, audience: &str) -> Value {
    let keys = core.get("/.well-known/jwks.json").await.json();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let kid = header.kid.unwrap();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid)
        .expect("the key is published");
    let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[audience]);
    validation.set_issuer(&["http://core.localhost:8000"]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

/// A confidential client of someone else's: its id and secret.
pub(crate) async fn client(core: &Core, redirects: &[&str], rights: &[&str]) -> (String, String) {
    let params = json!({ "name": "A program", "redirectUris": redirects, "rights": rights });
    let made = core.call("createClient", params).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["client"]["id"]), text(&made["secret"]))
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"))
    )
}

#[tokio::test]
async fn a_page_of_the_fleet_signs_people_in() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    core.call("putRole", json!({ "name": "reader", "rights": ["logs read"] }))
        .await;
    core.call("assignRole", json!({ "userId": id, "role": "reader" })).await;
    let code = code(&core, "openid profile email").await;
    let answer = exchange(&core, &code).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let tokens = answer.json();
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    assert_eq!(tokens["refresh_token"], Value::Null, "nobody asked for one");

    let id_claims = claims(&core, tokens["id_token"].as_str().unwrap(), "console").await;
    assert_eq!(
        (&id_claims["sub"], &id_claims["nonce"]),
        (&json!(id), &json!("a nonce"))
    );
    assert_eq!(
        (&id_claims["email"], &id_claims["name"]),
        (&json!("ada@b.example"), &json!("Ada"))
    );
    assert_eq!(id_claims["amr"], json!(["pwd"]));
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        jsonwebtoken::decode_header(access).unwrap().typ.as_deref(),
        Some("at+jwt")
    );
    let access = claims(&core, access, "api").await;
    assert_eq!(
        (&access["cap"], &access["client_id"]),
        (&json!(["logs read"]), &json!("console"))
    );
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 600);
}

#[tokio::test]
async fn a_client_of_others_gets_what_the_person_allows_and_no_more() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    core.call("putRole", json!({ "name": "reader", "rights": ["logs read"] }))
        .await;
    core.call("putRole", json!({ "name": "writer", "rights": ["logs write"] }))
        .await;
    for role in ["reader", "writer"] {
        core.call("assignRole", json!({ "userId": id, "role": role })).await;
    }
    let redirect = "https://app.example/cb";
    let (client, secret) = client(&core, &[redirect], &[]).await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    for (scope, cap) in [
        ("openid", json!([])),
        ("openid reader", json!(["logs read"])),
        ("openid reader admin nonsense", json!(["logs read"])),
        ("admin", json!([])),
    ] {
        let asked = request(&client, redirect, scope);
        let page = browser.get(&asked).await;
        assert_eq!(page.status, 200, "the person is asked");
        assert!(page.text.contains("A program") && page.text.contains("https://app.example"));
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' https://app.example"), "{policy}");
        let back = browser
            .post(&asked, &[("form", &page.form()), ("decision", "allow")])
            .await;
        let code = parameter(&back, "code").unwrap();
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
        ];
        let header = basic(&client, &secret);
        let tokens = core
            .post("/oauth/token", &[("authorization", &header)], &pairs)
            .await
            .json();
        let access = claims(&core, tokens["access_token"].as_str().unwrap(), "api").await;
        assert_eq!(access["cap"], cap, "{scope}");
    }
    let asked = request(&client, redirect, "openid");
    let token = browser.get(&asked).await.form();
    let denied = browser.post(&asked, &[("form", &token), ("decision", "deny")]).await;
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&denied, "code"), None);
}

#[tokio::test]
async fn a_program_speaks_for_itself() {
    let core = Core::start().await;
    let (client, secret) = client(&core, &[], &["rpc core getUserById"]).await;
    let pairs = [("grant_type", "client_credentials")];
    let header = basic(&client, &secret);
    let tokens = core
        .post("/oauth/token", &[("authorization", &header)], &pairs)
        .await
        .json();
    let access = claims(&core, tokens["access_token"].as_str().unwrap(), "api").await;
    assert_eq!(
        (&access["sub"], &access["cap"]),
        (&json!(client), &json!(["rpc core getUserById"]))
    );
    let in_form = [pairs[0], ("client_id", &client), ("client_secret", &secret)];
    assert_eq!(core.post("/oauth/token", &[], &in_form).await.status, 200);

    let rotated = core.call("rotateClientSecret", json!({ "id": client })).await;
    let old = core.post("/oauth/token", &[("authorization", &header)], &pairs).await;
    assert_eq!(
        (old.status.as_u16(), &old.json()["error"]),
        (401, &json!("invalid_client"))
    );
    let new = basic(&client, rotated["secret"].as_str().unwrap());
    assert_eq!(
        core.post("/oauth/token", &[("authorization", &new)], &pairs)
            .await
            .status,
        200
    );
    core.call("deleteClient", json!({ "id": client })).await;
    assert_eq!(
        core.post("/oauth/token", &[("authorization", &new)], &pairs)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_brings_the_next() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let code = code(&core, "openid offline_access").await;
    let first = exchange(&core, &code).await.json()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = refresh(&core, &first).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let second = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let third = refresh(&core, &second).await;
    assert_eq!(third.status, 200);
}

#[tokio::test]
async fn what_a_person_may_is_looked_up_at_every_refresh() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    core.call("putRole", json!({ "name": "reader", "rights": ["logs read"] }))
        .await;
    let role = json!({ "userId": id, "role": "reader" });
    core.call("assignRole", role.clone()).await;
    let code = code(&core, "openid offline_access").await;
    let tokens = exchange(&core, &code).await.json();
    let cap = |tokens: Value| {
        let core = &core;
        async move { claims(core, tokens["access_token"].as_str().unwrap(), "api").await["cap"].clone() }
    };
    assert_eq!(cap(tokens.clone()).await, json!(["logs read"]));
    core.call("unassignRole", role).await;
    let tokens = refresh(&core, tokens["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(cap(tokens.clone()).await, json!([]));
    core.call("setPassword", json!({ "id": id, "password": "seven quiet herons" }))
        .await;
    let after = refresh(&core, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(
        (after.status.as_u16(), &after.json()["error"]),
        (400, &json!("invalid_grant"))
    );
}

#[tokio::test]
async fn a_token_is_looked_up_and_revoked() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let code = code(&core, "openid offline_access").await;
    let tokens = exchange(&core, &code).await.json();
    let (access, refresh) = (
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
    );
    let (client, secret) = client(&core, &[], &[]).await;
    let header = basic(&client, &secret);
    let look = |token: String| {
        let (core, header) = (&core, &header);
        async move {
            core.post("/oauth/introspect", &[("authorization", header)], &[("token", &token)])
                .await
                .json()
        }
    };
    let found = look(access.to_owned()).await;
    assert_eq!(
        (&found["active"], &found["client_id"]),
        (&json!(true), &json!("console"))
    );
    assert_eq!(
        look(refresh.to_owned()).await,
        json!({ "active": false }),
        "another client's refresh token"
    );
    assert_eq!(look("junk".to_owned()).await, json!({ "active": false }));
    let id_token = tokens["id_token"].as_str().unwrap();
    assert_eq!(
        look(id_token.to_owned()).await,
        json!({ "active": false }),
        "an id token opens nothing"
    );

    let pairs = [("token", access)];
    assert_eq!(
        core.post("/oauth/revoke", &[("authorization", &header)], &pairs)
            .await
            .status,
        200
    );
    assert_eq!(
        look(access.to_owned()).await["active"],
        json!(true),
        "nobody revokes another client's token"
    );
    let own = [("token", access), ("client_id", "console")];
    assert_eq!(core.post("/oauth/revoke", &[], &own).await.status, 200);
    assert_eq!(look(access.to_owned()).await, json!({ "active": false }));
    let own = [("token", refresh), ("client_id", "console")];
    assert_eq!(core.post("/oauth/revoke", &[], &own).await.status, 200);
    assert_eq!(super::oauth::refresh(&core, refresh).await.status, 400);
    assert!(core.events().await.contains(&"token:revoked".to_owned()));
}

#[tokio::test]
async fn what_a_client_needs_to_know_is_published() {
    let core = Core::start().await;
    let answer = core.get("/.well-known/openid-configuration").await;
    insta::assert_json_snapshot!(answer.json());
    let keys = core.get("/.well-known/jwks.json").await;
    assert_eq!(keys.headers["cache-control"], "public, max-age=600");
    let key = &keys.json()["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
    );
    assert_eq!(key.as_object().unwrap().len(), 6, "the public half alone: {key}");
}

#[tokio::test]
async fn a_person_is_asked_to_sign_in_again_where_the_client_wants_it() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    let asked = request("console", CONSOLE, "openid");
    let nobody = browser.get(&format!("{asked}&prompt=none")).await;
    assert_eq!(parameter(&nobody, "error").as_deref(), Some("login_required"));
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    let silent = browser.get(&format!("{asked}&prompt=none")).await;
    assert!(parameter(&silent, "code").is_some());
    let anew = browser.get(&format!("{asked}&prompt=login")).await;
    assert!(
        anew.location().starts_with("/login?again=1&return=/oauth/authorize"),
        "{}",
        anew.location()
    );
    assert!(
        !anew.location().contains("prompt"),
        "it is asked once: {}",
        anew.location()
    );
    assert_eq!(browser.get(anew.location()).await.status, 200);
}
