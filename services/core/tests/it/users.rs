use std::time::Duration;

use serde_json::json;

use crate::support::{Browser, Core, PASSWORD};

#[tokio::test]
async fn nothing_of_a_deleted_user_is_of_use() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    core.call("putRole", json!({ "name": "reader", "rights": ["logs read"] }))
        .await;
    core.call("assignRole", json!({ "userId": id, "role": "reader" })).await;
    let key = core
        .call(
            "createApiKey",
            json!({ "userId": id, "name": "x", "rights": ["logs read"] }),
        )
        .await;
    let mut browser = Browser::new(&core, "192.0.2.1");
    browser.sign_in("ada@b.example", PASSWORD, "/").await;

    core.call("deleteUser", json!({ "id": id })).await;
    assert_eq!(
        core.call("verifyApiKey", json!({ "key": key["secret"] })).await,
        json!({ "active": false })
    );
    assert_eq!(browser.get("/account").await.status, 303);
    assert_eq!(browser.sign_in("ada@b.example", PASSWORD, "/").await.status, 403);

    // The job of the deletion takes away what was kept: the role has no bearer then.
    let kernel = core.running.kernel("core").unwrap();
    let mut heads = kernel.store.heads();
    let forgotten = async {
        loop {
            heads.borrow_and_update();
            let roles = core.call("listRoles", json!({})).await;
            if roles["roles"]
                .as_array()
                .unwrap()
                .iter()
                .all(|role| role["bearers"] == 0)
            {
                break;
            }
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), forgotten)
        .await
        .expect("the roles are taken from the user");
}
