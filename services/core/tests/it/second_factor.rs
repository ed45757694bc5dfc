use aws_lc_rs::hmac;
use serde_json::json;

use crate::support::{Browser, Core, PASSWORD};

/// What an authenticator shows for a secret, so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let mut bits = 0_u64;
    let mut held = 0;
    let mut bytes = Vec::new();
    for c in secret.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            _ => c - b'2' + 26,
        };
        bits = bits << 5 | u64::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let step = i64::try_from(now / 30).unwrap() + steps;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes([tag[at] & 0x7F, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// Turns the second factor on; gives the secret and the recovery codes.
async fn enrol(browser: &mut Browser<'_>) -> (String, Vec<String>) {
    let page = browser.act("/account/factor", &[]).await;
    let (_, rest) = page.text.split_once("secret=").expect("a link for authenticators");
    let secret = rest.split_once('&').unwrap().0.to_owned();
    assert!(
        page.text.contains("otpauth://totp/BlackRoad:ada@b.example"),
        "{}",
        page.text
    );
    let token = page.form();
    let wrong = browser
        .post("/account/factor/confirm", &[("form", &token), ("code", "000000")])
        .await;
    assert!(wrong.status == 422, "{}", wrong.status);
    let on = browser
        .post(
            "/account/factor/confirm",
            &[("form", &token), ("code", &code(&secret, 0))],
        )
        .await;
    assert_eq!(on.status, 200, "{}", on.text);
    let (_, rest) = on.text.split_once("<code>").unwrap();
    let codes = rest
        .split_once("</code>")
        .unwrap()
        .0
        .lines()
        .map(str::to_owned)
        .collect();
    (secret, codes)
}

async fn with_code(browser: &mut Browser<'_>, code: &str) -> u16 {
    let first = browser.sign_in("ada@b.example", PASSWORD, "/account").await;
    assert_eq!(first.location(), "/login/code?return=/account");
    let token = browser.get(first.location()).await.form();
    let second = browser
        .post(
            "/login/code",
            &[("form", &token), ("code", code), ("return", "/account")],
        )
        .await;
    second.status.as_u16()
}

#[tokio::test]
async fn a_code_is_asked_for_and_good_once() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    let (secret, codes) = enrol(&mut browser).await;
    assert_eq!(codes.len(), 10);

    let mut other = Browser::new(&core, "192.0.2.2");
    assert_eq!(
        with_code(&mut other, &code(&secret, 0)).await,
        403,
        "the code of the enrolment was used"
    );
    assert!(!other.cookies.contains_key("session"));
    let next = code(&secret, 1);
    assert_eq!(with_code(&mut other, &next).await, 303);
    assert_eq!(other.get("/account").await.status, 200);
    assert_eq!(
        with_code(&mut Browser::new(&core, "192.0.2.3"), &next).await,
        403,
        "no code is good twice"
    );
    let sessions = core.call("listSessions", json!({ "id": id })).await;
    assert_eq!(sessions["sessions"][0]["methods"], json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    let (_, codes) = enrol(&mut browser).await;
    let mut other = Browser::new(&core, "192.0.2.2");
    assert_eq!(with_code(&mut other, &codes[3].to_lowercase()).await, 303);
    assert_eq!(with_code(&mut other, &codes[3]).await, 403);
    assert_eq!(with_code(&mut other, &codes[4]).await, 303);
}

#[tokio::test]
async fn guesses_at_a_code_are_bounded() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    let (_, codes) = enrol(&mut browser).await;
    let mut statuses = Vec::new();
    for at in 0..7 {
        // Another address and another sign-in each time: who knows the password has as many as they like.
        let mut guesser = Browser::new(&core, &format!("198.51.100.{at}"));
        statuses.push(with_code(&mut guesser, "000000").await);
    }
    assert!(statuses[5..].iter().all(|status| *status == 429), "{statuses:?}");
    assert_eq!(
        with_code(&mut browser, &codes[0]).await,
        303,
        "the owner's browser is known"
    );
}

#[tokio::test]
async fn a_second_factor_is_turned_off_by_a_code_or_by_an_administrator() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;
    let (_, codes) = enrol(&mut browser).await;
    assert_eq!(
        browser.act("/account/factor/off", &[("code", "123456")]).await.status,
        403
    );
    assert_eq!(
        browser.act("/account/factor/off", &[("code", &codes[0])]).await.status,
        303
    );
    assert_eq!(browser.sign_in("ada@b.example", PASSWORD, "/").await.location(), "/");
    enrol(&mut browser).await;
    core.call("removeSecondFactor", json!({ "id": id })).await;
    assert_eq!(browser.sign_in("ada@b.example", PASSWORD, "/").await.location(), "/");
}

#[tokio::test]
async fn the_second_step_is_nothing_without_the_first() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    assert_eq!(browser.get("/login/code").await.location(), "/login");
    browser.cookies.insert("pending".to_owned(), "invented".to_owned());
    let token = browser.get("/login/code").await.form();
    let refused = browser
        .post("/login/code", &[("form", &token), ("code", "123456")])
        .await;
    assert_eq!(refused.location(), "/login");
}
