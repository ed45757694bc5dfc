use serde_json::json;

use crate::oauth::{CONSOLE, exchange, parameter, request};
use crate::support::{Browser, Core, PASSWORD, form};

/// Where the console takes people back who were signed out.
const OUT: &str = "http://console.localhost:8000/auth/out";

/// Signs somebody in by way of the console, and gives the id token.
async fn signed_in(core: &Core, browser: &mut Browser<'_>, email: &str) -> String {
    let asked = request("console", CONSOLE, "openid");
    browser.sign_in(email, PASSWORD, &asked).await;
    let back = browser.get(&asked).await;
    let tokens = exchange(core, &parameter(&back, "code").unwrap()).await.json();
    tokens["id_token"].as_str().unwrap().to_owned()
}

fn logout(pairs: &[(&str, &str)]) -> String {
    format!("/oauth/logout?{}", form(pairs))
}

async fn is_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/account").await.status == 200
}

#[tokio::test]
async fn a_client_that_signs_somebody_out_ends_their_session_here_too() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut ada = Browser::new(&core, "192.0.2.1");
    let hint = signed_in(&core, &mut ada, "ada@b.example").await;
    let pairs = [
        ("client_id", "console"),
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", OUT),
        ("state", "a b"),
    ];
    let out = ada.get(&logout(&pairs)).await;
    assert_eq!(
        (out.status.as_u16(), out.location()),
        (303, "http://console.localhost:8000/auth/out?state=a+b")
    );
    assert!(!is_in(&mut ada).await && core.events().await.contains(&"session:ended".to_owned()));
    // Once more, as by the button to go back.
    assert_eq!(ada.get(&logout(&pairs)).await.status, 303);
}

#[tokio::test]
async fn a_link_that_shows_no_id_token_of_this_session_signs_nobody_out() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    core.user("grace@b.example").await;
    let (mut ada, mut grace) = (Browser::new(&core, "192.0.2.1"), Browser::new(&core, "192.0.2.2"));
    let hers = signed_in(&core, &mut ada, "ada@b.example").await;
    signed_in(&core, &mut grace, "grace@b.example").await;
    let touched = format!("{}x", &hers[..hers.len() - 1]);
    for pairs in [
        vec![],
        vec![("post_logout_redirect_uri", OUT)],
        vec![("id_token_hint", "nonsense")],
        vec![("id_token_hint", touched.as_str())],
        vec![("id_token_hint", hers.as_str()), ("client_id", "app")],
        // Another's, in this browser.
        vec![("id_token_hint", hers.as_str()), ("client_id", "console")],
    ] {
        let asked = grace.get(&logout(&pairs)).await;
        assert_eq!((asked.status.as_u16(), asked.location()), (303, "/logout"), "{pairs:?}");
    }
    assert!(is_in(&mut grace).await && is_in(&mut ada).await);
    // An access token is no id token.
    let (asked, mut browser) = (request("console", CONSOLE, "openid"), Browser::new(&core, "192.0.2.3"));
    browser.sign_in("ada@b.example", PASSWORD, &asked).await;
    let back = browser.get(&asked).await;
    let tokens = exchange(&core, &parameter(&back, "code").unwrap()).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        browser.get(&logout(&[("id_token_hint", access)])).await.location(),
        "/logout"
    );
}

#[tokio::test]
async fn who_is_signed_out_is_sent_to_an_address_of_the_client_and_no_other() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    for uri in [
        "https://evil.example/",
        "http://app.localhost:8000/auth/out",
        "//evil.example",
        "/account",
        "",
    ] {
        let mut ada = Browser::new(&core, "192.0.2.1");
        let hint = signed_in(&core, &mut ada, "ada@b.example").await;
        let out = ada
            .get(&logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)]))
            .await;
        assert_eq!((out.status.as_u16(), out.location()), (303, "/login"), "{uri}");
        assert!(!is_in(&mut ada).await);
    }
}

#[tokio::test]
async fn a_service_learns_whether_a_session_is_good_and_what_its_person_may() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    core.call("putRole", json!({ "name": "reader", "rights": ["page read"] }))
        .await;
    core.call("assignRole", json!({ "userId": id, "role": "reader" })).await;
    let mut ada = Browser::new(&core, "192.0.2.1");
    signed_in(&core, &mut ada, "ada@b.example").await;
    let session = core.call("listSessions", json!({ "id": id })).await["sessions"][0].clone();
    let check = async |user: &str, session: &str| {
        core.call("checkSession", json!({ "userId": user, "id": session, "used": true }))
            .await["person"]
            .clone()
    };
    let known = check(&id, session["id"].as_str().unwrap()).await;
    assert_eq!(
        (&known["name"], &known["rights"]),
        (&json!("Ada"), &json!(["page read"]))
    );
    assert_eq!(known["expiresAt"], session["expiresAt"]);
    for (user, session) in [
        (id.as_str(), "nothing"),
        ("nobody", session["id"].as_str().unwrap()),
        ("../x", "a/b"),
        ("", ""),
    ] {
        assert_eq!(check(user, session).await, json!(null), "{user} {session}");
    }
    core.call("revokeSessions", json!({ "userId": id })).await;
    assert_eq!(check(&id, session["id"].as_str().unwrap()).await, json!(null));
}
