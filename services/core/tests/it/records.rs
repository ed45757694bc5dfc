//! What is on the record of what is done to accounts, and as whose deed.

use serde_json::json;
use syscall_sdk::contract::audit::RECORDED;
use syscall_sdk::name::TopicFilter;
use syscall_sdk::wire::AuditRecord;

use crate::support::{Browser, Core, PASSWORD};

/// Action, target and actor of what is on the record, oldest first.
async fn recorded(core: &Core) -> Vec<(String, String, String)> {
    let records = records(core).await;
    records
        .into_iter()
        .map(|record| (record.action, record.target, record.actor))
        .collect()
}

async fn records(core: &Core) -> Vec<AuditRecord> {
    let events = core.running.kernel("core").unwrap().events.clone();
    let filter = TopicFilter::parse(Some(RECORDED)).unwrap();
    let told = events.follow(filter, 0, None).next().await.unwrap();
    told.iter()
        .map(|event| event.data.as_ref().unwrap().to().unwrap())
        .collect()
}

#[tokio::test]
async fn what_somebody_does_on_their_accounts_pages_is_theirs_on_the_record() {
    let core = Core::start().await;
    let ada = format!("user/{}", core.user("ada@b.example").await);
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/account").await;
    let made = browser.act("/account/keys", &[("name", "deploys")]).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let new = "another lamp beside the river";
    let changed = browser
        .act("/account/password", &[("current", PASSWORD), ("new", new)])
        .await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    let out = browser.get("/logout").await.form();
    assert_eq!(browser.post("/logout", &[("form", &out)]).await.status, 303);

    let told = recorded(&core).await;
    for action in ["key.create", "password.set", "session.end"] {
        let last = told.iter().rfind(|(what, ..)| what == action);
        assert_eq!(last.map(|(.., actor)| actor), Some(&ada), "{action}: {told:?}");
    }
}

#[tokio::test]
async fn what_is_done_to_a_user_is_on_the_record_and_what_it_was_is_not() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    core.call("updateUser", json!({ "id": id, "email": "countess@b.example" }))
        .await;
    core.call("revokeSessions", json!({ "userId": id })).await;
    core.call("removeSecondFactor", json!({ "id": id })).await;
    let told = recorded(&core).await;
    let of_ada: Vec<_> = told
        .iter()
        .filter(|(_, target, _)| *target == format!("user/{id}"))
        .map(|(action, ..)| action.as_str())
        .collect();
    assert_eq!(
        of_ada,
        [
            "user.create",
            "password.set",
            "user.update",
            "session.end",
            "second-factor.off"
        ]
    );
    let records = format!("{:?}", records(&core).await);
    assert!(!records.contains("b.example"), "{records}");
}
