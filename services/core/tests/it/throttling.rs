use std::time::Duration;

use syscall_sdk::contract::audit::RECORDED;
use syscall_sdk::name::TopicFilter;
use syscall_sdk::wire::AuditRecord;

use crate::support::{Browser, Core, PASSWORD};

#[tokio::test]
async fn a_guesser_is_slowed_and_the_owner_is_not_locked_out() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut owner = Browser::new(&core, "192.0.2.1");
    owner.sign_in("ada@b.example", PASSWORD, "/").await;

    let mut guesser = Browser::new(&core, "198.51.100.1");
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(
            guesser
                .sign_in("ada@b.example", "not this sentence", "/")
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429, 429]);
    let right = guesser.sign_in("ada@b.example", PASSWORD, "/").await;
    assert_eq!(right.status, 429, "nothing is taken from there, not even what is right");
    assert!(right.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 61);

    assert_eq!(owner.sign_in("ada@b.example", PASSWORD, "/").await.status, 303);
    let mut elsewhere = Browser::new(&core, "203.0.113.9");
    assert_eq!(elsewhere.sign_in("ada@b.example", PASSWORD, "/").await.status, 303);
}

#[tokio::test]
async fn a_browser_that_is_known_passes_where_its_network_is_throttled() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let mut owner = Browser::new(&core, "192.0.2.1");
    owner.sign_in("ada@b.example", PASSWORD, "/").await;
    let mut neighbour = Browser::new(&core, "192.0.2.1");
    for _ in 0..6 {
        neighbour.sign_in("ada@b.example", "not this sentence", "/").await;
    }
    assert_eq!(neighbour.sign_in("ada@b.example", PASSWORD, "/").await.status, 429);
    assert_eq!(owner.sign_in("ada@b.example", PASSWORD, "/").await.status, 303);
}

#[tokio::test]
async fn a_known_browser_is_known_for_its_owners_account_alone() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    core.user("eve@b.example").await;
    let mut eve = Browser::new(&core, "192.0.2.1");
    eve.sign_in("eve@b.example", PASSWORD, "/").await;
    for _ in 0..5 {
        eve.sign_in("ada@b.example", "not this sentence", "/").await;
    }
    assert_eq!(eve.sign_in("ada@b.example", "not this sentence", "/").await.status, 429);
    assert_eq!(eve.sign_in("eve@b.example", PASSWORD, "/").await.status, 303);
}

#[tokio::test]
async fn a_network_that_tries_many_accounts_is_slowed() {
    let core = Core::start().await;
    let mut sprayer = Browser::new(&core, "2a00:1450:1:2::1");
    let token = sprayer.get("/login").await.form();
    let mut taken = 0;
    // While they try, one more is let in every ten seconds.
    for at in 0..60 {
        sprayer.address = format!("2a00:1450:1:2::{at:x}");
        let email = format!("user{at}@b.example");
        let pairs = [
            ("email", email.as_str()),
            ("password", PASSWORD),
            ("form", token.as_str()),
        ];
        if sprayer.post("/login", &pairs).await.status == 429 {
            break;
        }
        taken += 1;
    }
    assert!((30..40).contains(&taken), "{taken} guesses were taken");
}

#[tokio::test]
async fn guesses_at_the_same_time_are_counted_too() {
    let core = Core::start().await;
    core.user("ada@b.example").await;
    let guess = || async {
        let mut guesser = Browser::new(&core, "198.51.100.1");
        guesser
            .sign_in("ada@b.example", "not this sentence", "/")
            .await
            .status
            .as_u16()
    };
    let all = futures_util::future::join_all((0..12).map(|_| guess())).await;
    let taken = all.iter().filter(|status| **status == 403).count();
    assert!(taken <= 5, "{all:?}");
    assert!(all.iter().all(|status| [403, 429].contains(status)), "{all:?}");
}

#[tokio::test]
async fn a_flood_of_guesses_is_one_record_a_minute_for_each_reason() {
    let core = Core::start().await;
    let ada = core.user("ada@b.example").await;
    let mut guesser = Browser::new(&core, "198.51.100.1");
    for _ in 0..60 {
        guesser.sign_in("ada@b.example", "not this sentence", "/").await;
    }
    let events = core.running.kernel("core").unwrap().events.clone();
    let mut follow = events.follow(TopicFilter::parse(Some(RECORDED)).unwrap(), 0, None);
    // The minute in which they are gathered passes at once; sooner, nothing else is to be done.
    tokio::time::pause();
    let mut told: Vec<AuditRecord> = Vec::new();
    while told.iter().filter(|record| record.action == "login").count() < 2 {
        let more = tokio::time::timeout(Duration::from_secs(300), follow.next());
        let more = more.await.expect("it is put on the record").unwrap();
        told.extend(
            more.iter()
                .map(|event| event.data.as_ref().unwrap().to::<AuditRecord>().unwrap()),
        );
    }
    let mut logins: Vec<_> = told.iter().filter(|record| record.action == "login").collect();
    logins.sort_by_key(|record| record.count);
    let said: Vec<_> = logins
        .iter()
        .map(|record| {
            (
                record.target.clone(),
                record.address.as_deref(),
                record.reason.as_deref(),
                record.count,
            )
        })
        .collect();
    let of = |reason, count| (format!("user/{ada}"), Some("198.51.100.1"), Some(reason), count);
    assert_eq!(said, [of("WRONG_PASSWORD", 5), of("THROTTLED", 55)]);
}
