use http::header::SET_COOKIE;
use serde_json::json;

use crate::support::{Browser, Core, PASSWORD};

#[tokio::test]
async fn who_signs_in_sees_their_account_and_goes_where_they_came_from() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    assert_eq!(browser.get("/account").await.location(), "/login?return=/account");
    let signed_in = browser.sign_in("ada@b.example", PASSWORD, "/account?x=1").await;
    assert_eq!((signed_in.status.as_u16(), signed_in.location()), (303, "/account?x=1"));
    for cookie in signed_in.headers.get_all(SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax; "), "{cookie}");
    }
    let account = browser.get("/account").await;
    assert_eq!(account.status, 200);
    assert!(account.text.contains("a browser of the tests") && account.text.contains("192.0.2.1"));
    assert_eq!(browser.get("/login").await.location(), "/account");
    let session = &core.call("listSessions", json!({ "id": id })).await["sessions"][0];
    assert_eq!(session["methods"], json!(["pwd"]));
    assert!(core.events().await.contains(&"session:started".to_owned()));
}

#[tokio::test]
async fn cookies_are_bound_to_the_host_wherever_there_is_tls() {
    let core = Core::start_with(&[("ENVIRONMENT", "test")]).await;
    let page = core.get("/login").await;
    let cookie = page.headers[SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-form=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    assert!(cookie.contains("Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn the_answer_to_a_wrong_password_is_that_to_nobodys_address() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    let wrong = browser.sign_in("ada@b.example", "not this sentence", "/").await;
    let nobody = browser.sign_in("eve@b.example", "not this sentence", "/").await;
    assert_eq!((wrong.status.as_u16(), nobody.status.as_u16()), (403, 403));
    let said = |text: &str| {
        text.split_once("role=\"alert\"")
            .unwrap()
            .1
            .split_once("</p>")
            .unwrap()
            .0
            .to_owned()
    };
    assert_eq!(said(&wrong.text), said(&nobody.text));
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    let token = browser.get("/login").await.form();
    let said = [("email", "ada@b.example"), ("password", PASSWORD)];
    browser.site = "cross-site";
    let with_token = [said.as_slice(), &[("form", token.as_str())]].concat();
    assert_eq!(browser.post("/login", &with_token).await.status, 403);
    browser.site = "same-origin";
    assert_eq!(
        browser.post("/login", &said).await.status,
        403,
        "without the form's token"
    );
    let other = [said.as_slice(), &[("form", "another")]].concat();
    assert_eq!(browser.post("/login", &other).await.status, 403);
    let mut stranger = Browser::new(&core, "192.0.2.2");
    assert_eq!(
        stranger.post("/login", &with_token).await.status,
        403,
        "a token is of one browser"
    );
    assert_eq!(browser.post("/login", &with_token).await.status, 303);
    let account = browser.get("/account").await.form();
    browser.site = "cross-site";
    let refused = browser.post("/logout", &[("form", &account)]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(browser.get("/account").await.status, 200, "nobody was signed out");
}

#[tokio::test]
async fn nobody_is_sent_to_another_host() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    for (at, bad) in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
    ]
    .into_iter()
    .enumerate()
    {
        let mut browser = Browser::new(&core, &format!("192.0.2.{at}"));
        let signed_in = browser.sign_in("ada@b.example", PASSWORD, bad).await;
        assert_eq!(
            (signed_in.status.as_u16(), signed_in.location()),
            (303, "/account"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn signing_in_gives_a_new_token_whatever_was_there_before() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.cookies.insert("session".to_owned(), "planted".to_owned());
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    assert_ne!(browser.cookies["session"], "planted");
    let first = browser.cookies["session"].clone();
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    assert_ne!(browser.cookies["session"], first);
}

#[tokio::test]
async fn a_session_ends_by_signing_out_by_its_owner_and_by_an_administrator() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let mut one = Browser::new(&core, "192.0.2.1");
    one.sign_in("ada@b.example", PASSWORD, "/").await;
    let mut two = Browser::new(&core, "192.0.2.2");
    two.sign_in("ada@b.example", PASSWORD, "/").await;
    let stolen = two.cookies.clone();

    let sessions = core.call("listSessions", json!({ "id": id })).await;
    let of_two = sessions["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["address"] == "192.0.2.2");
    let ended = one
        .act(
            "/account/sessions/end",
            &[("id", of_two.unwrap()["id"].as_str().unwrap())],
        )
        .await;
    assert_eq!(ended.location(), "/account?done=session");
    assert_eq!(two.get("/account").await.status, 303);

    let token = one.get("/logout").await.form();
    assert_eq!(one.post("/logout", &[("form", &token)]).await.location(), "/login");
    assert!(!one.cookies.contains_key("session"));

    two.sign_in("ada@b.example", PASSWORD, "/").await;
    assert_eq!(
        core.call("revokeSessions", json!({ "userId": id })).await,
        json!({ "ended": 1 })
    );
    assert_eq!(two.get("/account").await.status, 303);
    two.cookies = stolen;
    assert_eq!(
        two.get("/account").await.status,
        303,
        "a token that has ended is good for nothing"
    );
}

#[tokio::test]
async fn the_oldest_of_too_many_sessions_ends() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let mut first = Browser::new(&core, "192.0.2.250");
    first.sign_in("ada@b.example", PASSWORD, "/").await;
    for at in 0..20 {
        Browser::new(&core, &format!("192.0.2.{at}"))
            .sign_in("ada@b.example", PASSWORD, "/")
            .await;
    }
    let sessions = core.call("listSessions", json!({ "id": id })).await;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 20);
    assert_eq!(first.get("/account").await.status, 303);
}

#[tokio::test]
async fn pages_are_framed_by_nobody_and_kept_by_nobody() {
    let core = Core::start().await;
    let page = core.get("/login").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn bad_forms_are_refused_and_break_nothing() {
    let core = Core::start().await;
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    for path in [
        "/login",
        "/login/code",
        "/logout",
        "/account/password",
        "/account/keys",
        "/account/factor/confirm",
    ] {
        for body in ["", "%ff=%fe", "form=%00", "a=b&a=c", &"x=".repeat(50_000)] {
            let answer = core.send(http::Method::POST, path, &headers, body.to_owned()).await;
            assert!(
                !answer.status.is_server_error() && !answer.status.is_success(),
                "{path} {}",
                answer.status
            );
        }
    }
    for cookie in ["session=", "session=a; session=b", "=;;;==", "device=../../x"] {
        let answer = core
            .send(http::Method::GET, "/account", &[("cookie", cookie)], String::new())
            .await;
        assert_eq!(answer.status, 303, "{cookie:?}");
    }
}
