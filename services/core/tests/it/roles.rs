use serde_json::json;

use crate::support::{Browser, Core, PASSWORD};

#[tokio::test]
async fn what_no_role_grants_is_denied() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    let may = |right: &str| json!({ "userId": id, "right": right });
    assert_eq!(core.call("may", may("logs read")).await, json!({ "allowed": false }));
    core.call(
        "putRole",
        json!({ "name": "reader", "description": "Reads.", "rights": ["logs read", "state read *"] }),
    )
    .await;
    let rights = core.call("assignRole", json!({ "userId": id, "role": "reader" })).await;
    assert_eq!(rights["rights"], json!(["logs read", "state read *"]));
    assert_eq!(
        core.call("may", may("state read a/b")).await,
        json!({ "allowed": true, "by": "reader" })
    );
    assert_eq!(
        core.call("may", may("state write a/b")).await,
        json!({ "allowed": false })
    );
    let nobody = json!({ "userId": "nobody", "right": "logs read" });
    assert_eq!(core.call("may", nobody).await, json!({ "allowed": false }));
    core.call("putRole", json!({ "name": "reader", "rights": [] })).await;
    assert_eq!(core.call("may", may("logs read")).await, json!({ "allowed": false }));
    assert_eq!(core.refused("may", may("fly")).await, (400, "INVALID_RIGHT".to_owned()));
}

#[tokio::test]
async fn a_role_that_somebody_bears_is_not_deleted() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    core.call("putRole", json!({ "name": "reader", "rights": ["logs read"] }))
        .await;
    for _ in 0..2 {
        core.call("assignRole", json!({ "userId": id, "role": "reader" })).await;
    }
    let delete = json!({ "name": "reader" });
    assert_eq!(
        core.refused("deleteRole", delete.clone()).await,
        (409, "ROLE_IN_USE".to_owned())
    );
    for _ in 0..2 {
        core.call("unassignRole", json!({ "userId": id, "role": "reader" }))
            .await;
    }
    assert_eq!(core.call("deleteRole", delete.clone()).await["bearers"], json!(0));
    assert_eq!(
        core.refused("deleteRole", delete).await,
        (404, "ROLE_NOT_FOUND".to_owned())
    );
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let core = Core::start().await;
    let params = json!({ "email": "root@b.example" });
    let made = core.call("bootstrapAdmin", params.clone()).await;
    assert_eq!(
        core.refused("bootstrapAdmin", params).await,
        (409, "ADMIN_EXISTS".to_owned())
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        core.call("rightsOf", json!({ "id": id })).await["rights"],
        json!(["admin"])
    );
    let path = made["link"].as_str().unwrap();
    let path = &path[path.find("/welcome/").unwrap()..];
    let mut browser = Browser::new(&core, "192.0.2.1");
    let token = browser.get(path).await.form();
    browser.post(path, &[("form", &token), ("password", PASSWORD)]).await;
    assert_eq!(browser.sign_in("root@b.example", PASSWORD, "/").await.status, 303);
    let log = core.get("/v1/sys/logs?limit=1000").await.text;
    assert!(!log.contains(path), "no line bears the link");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let core = Core::start().await;
    let made = core.call("bootstrapAdmin", json!({ "email": "root@b.example" })).await;
    let admin = json!({ "userId": made["id"], "role": "admin" });
    assert_eq!(
        core.refused("unassignRole", admin.clone()).await,
        (409, "LAST_ADMIN".to_owned())
    );
    assert_eq!(
        core.refused("deleteUser", json!({ "id": made["id"] })).await,
        (409, "LAST_ADMIN".to_owned())
    );
    let other = core.user("ada@b.example").await;
    core.call("assignRole", json!({ "userId": other, "role": "admin" }))
        .await;
    core.call("unassignRole", admin).await;
    assert_eq!(
        core.refused("unassignRole", json!({ "userId": other, "role": "admin" }))
            .await
            .1,
        "LAST_ADMIN"
    );
}

#[tokio::test]
async fn bad_roles_are_refused() {
    let core = Core::start().await;
    let id = core.user("ada@b.example").await;
    for (method, params, status, code) in [
        (
            "putRole",
            json!({ "name": "Admin!", "rights": [] }),
            400,
            "INVALID_ROLE",
        ),
        (
            "putRole",
            json!({ "name": "admin", "rights": [] }),
            403,
            "ROLE_PROTECTED",
        ),
        ("deleteRole", json!({ "name": "admin" }), 403, "ROLE_PROTECTED"),
        (
            "putRole",
            json!({ "name": "x", "rights": ["state read a\nb"] }),
            400,
            "INVALID_RIGHT",
        ),
        (
            "putRole",
            json!({ "name": "x", "rights": vec!["logs read"; 300] }),
            400,
            "INVALID_RIGHT",
        ),
        (
            "assignRole",
            json!({ "userId": id, "role": "../admin" }),
            404,
            "ROLE_NOT_FOUND",
        ),
        (
            "assignRole",
            json!({ "userId": "nobody", "role": "admin" }),
            404,
            "USER_NOT_FOUND",
        ),
        ("rightsOf", json!({ "id": "../x" }), 404, "USER_NOT_FOUND"),
    ] {
        assert_eq!(
            core.refused(method, params.clone()).await,
            (status, code.to_owned()),
            "{method} {params}"
        );
    }
}
