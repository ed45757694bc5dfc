//! Carrying out a plan: records in batches, settings and health checks one by one.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Ask, Client};
use crate::dns::checks;
use crate::dns::diff::Change;
use crate::dns::record::{Record, TTL_AUTO};
use crate::dns::settings::{self, Family, managed_rule};

/// Most records of one call: what the free plan takes; the others take more.
pub(in crate::dns) const BATCH_MAX: usize = 200;

/// Changes records in one call, which is one transaction: all of them or none. The API itself carries out deletions first, then updates,
/// then creations.
pub(in crate::dns) async fn records(client: &mut Client, zone: &str, changes: &[Change]) -> Result<()> {
    let (mut deletes, mut patches, mut posts) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Delete { before } => deletes.push(json!({ "id": before.id })),
            Change::Update {
                before, after, comment, ..
            } => {
                let mut body = body(after, comment);
                body["id"] = before.id.clone().into();
                patches.push(body);
            }
            Change::Create { after, comment } => posts.push(body(after, comment)),
        }
    }
    let mut batch = json!({});
    for (name, part) in [("deletes", deletes), ("patches", patches), ("posts", posts)] {
        if !part.is_empty() {
            batch[name] = part.into();
        }
    }
    let path = format!("zones/{zone}/dns_records/batch");
    let what = format!("a batch of {} records", changes.len());
    let _: Value = client
        .ask(Ask::send(Method::POST, path, &batch, what, "DNS Write"))
        .await?;
    Ok(())
}

/// All of a record, so that nothing is left to what was there; what it does not name, such as tags, a patch keeps.
fn body(record: &Record, comment: &str) -> Value {
    let mut body = json!({
        "type": record.kind.as_str(),
        "name": record.name,
        "content": record.content(),
        "ttl": TTL_AUTO,
        "comment": comment,
    });
    if record.kind.proxiable() {
        body["proxied"] = record.proxied.into();
    }
    if let Some(priority) = record.priority {
        body["priority"] = priority.into();
    }
    body
}

/// Changes a setting.
pub(in crate::dns) async fn setting(client: &mut Client, zone: &str, change: &settings::Change) -> Result<()> {
    let what = format!("{} {}", change.setting, change.to);
    let on = change.to == "on";
    let (method, path, body, permission) = match (change.family, &change.ruleset) {
        (Family::Setting, _) => (
            Method::PATCH,
            format!("zones/{zone}/settings/{}", change.setting),
            json!({ "value": change.to }),
            "Zone Settings Write",
        ),
        (Family::Bots, _) => (
            Method::PUT,
            format!("zones/{zone}/bot_management"),
            json!({ "fight_mode": on }),
            "Bot Management Write",
        ),
        // Added to the rules that are there, which stay as they are.
        (Family::Firewall, Some(ruleset)) => (
            Method::POST,
            format!("zones/{zone}/rulesets/{ruleset}/rules"),
            managed_rule(),
            "Zone WAF Write",
        ),
        (Family::Firewall, None) => (
            Method::PUT,
            format!("zones/{zone}/rulesets/phases/http_request_firewall_managed/entrypoint"),
            json!({ "rules": [managed_rule()] }),
            "Zone WAF Write",
        ),
    };
    let _: Value = client.ask(Ask::send(method, path, &body, what, permission)).await?;
    Ok(())
}

/// Changes a health check.
pub(in crate::dns) async fn check(client: &mut Client, zone: &str, change: &checks::Change) -> Result<()> {
    let all = format!("zones/{zone}/healthchecks");
    let (method, path, body, name) = match change {
        checks::Change::Delete { before } => (
            Method::DELETE,
            format!("{all}/{}", before.id),
            Value::Null,
            &before.name,
        ),
        checks::Change::Update { before, after } => {
            (Method::PATCH, format!("{all}/{}", before.id), after.body(), &after.name)
        }
        checks::Change::Create { after } => (Method::POST, all, after.body(), &after.name),
    };
    let mut ask = Ask::send(
        method,
        path,
        &body,
        format!("the health check {name}"),
        "Health Checks Write",
    );
    if body.is_null() {
        ask.body = None;
    }
    let _: Value = client.ask(ask).await?;
    Ok(())
}
