use serde_json::json;

use crate::support::{Browser, Core, PASSWORD};

#[tokio::test]
async fn a_password_is_verified_and_another_is_not() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let verify = |email: &str, password: &str| json!({ "email": email, "password": password });
    let good = core.call("verifyPassword", verify("ADA@b.example", PASSWORD)).await;
    assert_eq!(
        (good["verified"].as_bool(), good["user"]["id"].as_str()),
        (Some(true), Some(id.as_str()))
    );
    let wrong = core
        .call("verifyPassword", verify("ada@b.example", "another sentence"))
        .await;
    let nobody = core.call("verifyPassword", verify("eve@b.example", PASSWORD)).await;
    assert_eq!(wrong, json!({ "verified": false }));
    assert_eq!(wrong, nobody, "who has no account is answered like who mistypes");
    let absurd = core
        .call("verifyPassword", verify("ada@b.example", &"x".repeat(100_000)))
        .await;
    assert_eq!(absurd, json!({ "verified": false }));
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_every_session_ends() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/account").await;
    let change = |current: &str, new: &str| json!({ "id": id, "current": current, "new": new });
    let wrong = core
        .refused("changePassword", change("not this sentence", "seven quiet herons"))
        .await;
    assert_eq!(wrong, (403, "INVALID_CREDENTIALS".to_owned()));
    let weak = core.refused("changePassword", change(PASSWORD, "short")).await;
    assert_eq!(weak, (400, "WEAK_PASSWORD".to_owned()));
    assert_eq!(
        core.call("listSessions", json!({ "id": id })).await["sessions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    core.call("changePassword", change(PASSWORD, "seven quiet herons"))
        .await;
    assert_eq!(
        core.call("listSessions", json!({ "id": id })).await,
        json!({ "sessions": [] })
    );
    assert_eq!(browser.get("/account").await.location(), "/login?return=/account");
    assert!(core.events().await.contains(&"user:password-changed".to_owned()));
}

#[tokio::test]
async fn a_link_sets_a_password_once() {
    let core = Core::start().await;
    let user = core
        .call("createUser", json!({ "email": "ada@b.example", "name": "Ada" }))
        .await;
    let made = core.call("createPasswordLink", json!({ "id": user["id"] })).await;
    let link = made["link"].as_str().unwrap();
    let path = link.strip_prefix("http://core.localhost").unwrap();
    let path = &path[path.find('/').unwrap()..];
    let mut browser = Browser::new(&core, "192.0.2.1");
    let page = browser.get(path).await;
    assert!(page.text.contains("ada@b.example"), "{}", page.text);
    let token = page.form();
    let weak = browser
        .post(path, &[("form", &token), ("password", "aaaaaaaaaaaaaaaaaaaa")])
        .await;
    assert_eq!(weak.status, 422);
    assert!(weak.text.contains("among the first that are tried"), "{}", weak.text);
    let set = browser.post(path, &[("form", &token), ("password", PASSWORD)]).await;
    assert_eq!((set.status.as_u16(), set.location()), (303, "/login"));
    let again = browser
        .post(path, &[("form", &token), ("password", "seven quiet herons")])
        .await;
    assert_eq!(again.status, 404);
    assert_eq!(browser.get(path).await.status, 404);
    let signed_in = browser.sign_in("ada@b.example", PASSWORD, "/account").await;
    assert_eq!(signed_in.status, 303);
}

#[tokio::test]
async fn a_password_for_nobody_is_refused() {
    let core = Core::start().await;
    for id in ["nobody", "", "a\nb", &"x".repeat(5_000)] {
        let refused = core
            .refused("setPassword", json!({ "id": id, "password": PASSWORD }))
            .await;
        assert_eq!(refused, (404, "USER_NOT_FOUND".to_owned()), "{id:?}");
    }
}
