use serde_json::{Value, json};

use crate::support::{Browser, Core, PASSWORD};

async fn user_with(core: &Core, rights: &[&str]) -> String {
    let id = core.user("ada@b.example").await;
    core.call("putRole", json!({ "name": "worker", "rights": rights }))
        .await;
    core.call("assignRole", json!({ "userId": id, "role": "worker" })).await;
    id
}

async fn verdict(core: &Core, key: &str) -> Value {
    core.call("verifyApiKey", json!({ "key": key })).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_verified_until_it_is_revoked() {
    let core = Core::start().await;
    let id = user_with(&core, &["rpc core *", "state read orders/"]).await;
    let params = json!({ "userId": id, "name": "deploys", "rights": ["rpc core getUserById"], "expiresInDays": 1 });
    let made = core.call("createApiKey", params).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("br_test_") && secret.len() == 46, "{secret}");
    let good = verdict(&core, secret).await;
    assert_eq!((&good["active"], &good["userId"]), (&json!(true), &json!(id)));
    assert_eq!(good["rights"], json!(["rpc core getUserById"]));
    let listed = core.call("listApiKeys", json!({ "id": id })).await;
    assert!(!listed.to_string().contains(secret), "the list shows no key");
    assert!(listed["keys"][0]["lastUsedAt"].is_string());

    let key_id = &made["key"]["id"];
    core.call("revokeApiKey", json!({ "userId": id, "id": key_id })).await;
    assert_eq!(verdict(&core, secret).await, json!({ "active": false }));
    let again = core
        .refused("revokeApiKey", json!({ "userId": id, "id": key_id }))
        .await;
    assert_eq!(again, (404, "KEY_NOT_FOUND".to_owned()));
    let events = core.events().await;
    assert!(events.contains(&"key:created".to_owned()) && events.contains(&"key:revoked".to_owned()));
}

#[tokio::test]
async fn a_key_never_does_more_than_its_owner() {
    let core = Core::start().await;
    let id = user_with(&core, &["state read orders/"]).await;
    let params = |right: &str| json!({ "userId": id, "name": "x", "rights": [right] });
    for beyond in ["state read *", "state write orders/", "admin", "rpc core getUserById"] {
        let refused = core.refused("createApiKey", params(beyond)).await;
        assert_eq!(refused, (403, "RIGHT_NOT_HELD".to_owned()), "{beyond}");
    }
    let made = core.call("createApiKey", params("state read orders/7")).await;
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(verdict(&core, secret).await["rights"], json!(["state read orders/7"]));
    core.call("unassignRole", json!({ "userId": id, "role": "worker" }))
        .await;
    let after = verdict(&core, secret).await;
    assert_eq!(
        (&after["active"], after.get("rights")),
        (&json!(true), None),
        "the key is its owner's, who may nothing"
    );
}

#[tokio::test]
async fn what_is_no_key_is_not_active_and_nothing_more_is_said() {
    let core = Core::start().await;
    for bad in [
        "",
        "br_live_",
        "br_live_00000000000000000000000000000000000000",
        "Bearer x",
        "\u{0}",
        "é",
        &"b".repeat(9_999),
    ] {
        assert_eq!(verdict(&core, bad).await, json!({ "active": false }), "{bad:?}");
    }
    let id = user_with(&core, &["logs read"]).await;
    for (params, code) in [
        (json!({ "userId": id, "name": "", "rights": [] }), "INVALID_NAME"),
        (json!({ "userId": id, "name": "x", "rights": ["fly"] }), "INVALID_RIGHT"),
        (
            json!({ "userId": id, "name": "x", "rights": [], "expiresInDays": 0 }),
            "INVALID_EXPIRY",
        ),
        (
            json!({ "userId": id, "name": "x", "rights": [], "expiresInDays": 4_000_000_000_u32 }),
            "INVALID_EXPIRY",
        ),
    ] {
        assert_eq!(
            core.refused("createApiKey", params.clone()).await,
            (400, code.to_owned()),
            "{params}"
        );
    }
}

#[tokio::test]
async fn a_person_makes_and_revokes_a_key_on_their_page() {
    let core = Core::start().await;
    let id = user_with(&core, &["logs read"]).await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    let made = browser
        .act(
            "/account/keys",
            &[("name", "tail"), ("rights", "logs read\r\n"), ("days", "")],
        )
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let at = made.text.find("br_test_").expect("the key is shown");
    let secret = &made.text[at..at + 46];
    assert_eq!(verdict(&core, secret).await["active"], json!(true));
    assert!(!browser.get("/account").await.text.contains(secret));
    let refused = browser
        .act("/account/keys", &[("name", "x"), ("rights", "admin"), ("days", "5")])
        .await;
    assert_eq!(refused.status, 403);
    let refused = browser
        .act(
            "/account/keys",
            &[("name", "x"), ("rights", "logs read"), ("days", "many")],
        )
        .await;
    assert_eq!(refused.status, 400);

    let keys = core.call("listApiKeys", json!({ "id": id })).await;
    let key_id = keys["keys"][0]["id"].as_str().unwrap();
    let revoked = browser.act("/account/keys/revoke", &[("id", key_id)]).await;
    assert_eq!(revoked.location(), "/account?done=key");
    assert_eq!(verdict(&core, secret).await["active"], json!(false));
}

#[tokio::test]
async fn a_key_of_another_is_not_revoked_by_who_knows_its_id() {
    let core = Core::start().await;
    let id = user_with(&core, &["logs read"]).await;
    let made = core
        .call(
            "createApiKey",
            json!({ "userId": id, "name": "x", "rights": ["logs read"] }),
        )
        .await;
    core.user("eve@b.example").await;
    let mut eve = Browser::new(&core, "192.0.2.1");
    eve.sign_in("eve@b.example", PASSWORD, "/").await;
    let refused = eve
        .act("/account/keys/revoke", &[("id", made["key"]["id"].as_str().unwrap())])
        .await;
    assert_eq!(refused.status, 404);
    assert_eq!(
        verdict(&core, made["secret"].as_str().unwrap()).await["active"],
        json!(true)
    );
}
