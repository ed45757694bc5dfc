//! Who there is in a fleet, and what core is told of them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use blackroad_os_contracts::core::{
    ASSIGN_ROLE, AssignRole, BOOTSTRAP_ADMIN, BootstrapAdmin, CREATE_USER, CreateUser, Hidden, PUT_ROLE, PutRole,
    SET_PASSWORD, SetPassword, UserId,
};
use http::StatusCode;
use serde_json::Value;
use syscall_sdk::contract::{Method, Payload};
use syscall_sdk::name::{Namespace, Prefix};
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::state::State;
use syscall_sdk::wire::Timestamp;

use super::browser::Browser;
use crate::fleet::Fleet;

/// Everybody's.
pub(crate) const PASSWORD: &str = "a lamp beside the river";

/// Calls core as the owner.
pub(crate) async fn as_owner<P: Payload, R: Payload>(fleet: &Fleet, method: &Method<P, R>, params: P) -> Result<R> {
    let context = fleet.context("console");
    let options = CallOptions {
        relay_for: Some(fleet.owner()?),
        ..context.call_options()
    };
    Ok(context.rpc().call(method, &params, options).await?)
}

/// Ada, who may do everything; gives her id.
pub(crate) async fn administrator(fleet: &Fleet) -> Result<String> {
    let ada = BootstrapAdmin {
        email: "ada@b.example".to_owned(),
        name: Some("Ada Lovelace".to_owned()),
    };
    let made = as_owner(fleet, &BOOTSTRAP_ADMIN, ada).await?;
    let path = made.link.0.find("/welcome/").context("the link leads to core")?;
    let (link, mut browser) = (fleet.url("core", &made.link.0[path..]), Browser::new(fleet));
    let (_, page) = browser.open(&link).await?;
    let set = browser
        .post(&link, &[("password", PASSWORD), ("form", &page.field("form")?)])
        .await?;
    ensure!(set.status == StatusCode::SEE_OTHER, "{}", set.text);
    Ok(made.id)
}

/// Grace, who bears a role of these rights.
pub(super) async fn person(fleet: &Fleet, rights: &[&str]) -> Result<String> {
    let grace = CreateUser {
        email: "grace@b.example".to_owned(),
        name: "Grace".to_owned(),
    };
    let id = as_owner(fleet, &CREATE_USER, grace).await?.id;
    let password = SetPassword {
        id: UserId(id.clone()),
        password: Hidden(PASSWORD.to_owned()),
    };
    as_owner(fleet, &SET_PASSWORD, password).await?;
    let role = PutRole {
        name: "reader".to_owned(),
        description: String::new(),
        rights: rights.iter().map(|right| (*right).to_owned()).collect(),
    };
    as_owner(fleet, &PUT_ROLE, role).await?;
    let given = AssignRole {
        user_id: UserId(id.clone()),
        role: "reader".to_owned(),
    };
    as_owner(fleet, &ASSIGN_ROLE, given).await?;
    Ok(id)
}

/// As if what core said of the sessions at a service had been said that long ago.
pub(crate) async fn later(fleet: &Fleet, service: &str, by: Duration) -> Result<()> {
    let kernel = std::sync::Arc::clone(fleet.context(service).kernel());
    let sessions = State::new(
        std::sync::Arc::clone(&kernel.store),
        Namespace::kernel("signin"),
        kernel.clock.clone(),
    );
    for (key, mut kept) in sessions.list::<Value>(&Prefix::all()).await? {
        let at: Timestamp = serde_json::from_value(kept["checked_at"].clone())?;
        kept["checked_at"] = serde_json::to_value(Timestamp(at.0 - by))?;
        sessions.put(&key, &kept).await?;
    }
    Ok(())
}
