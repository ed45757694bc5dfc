//! Who calls an example: a service of ours, somebody outside through the gateway, and who may not.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::running::{Callers, Running};
use crate::binary::{Ran, blackroad};

/// A sum that nothing else of the answers holds.
const SUM: u32 = 471_100;

/// The operator calls it on behalf of a workflow: `Context::call` of the SDK, with the operator's own token.
pub(super) fn by_a_service_of_ours(running: &Running) -> Result<()> {
    let call = json!({ "service": "web", "method": "total", "params": { "numbers": [SUM - 1, 1] } });
    let graph = json!({ "nodes": [{ "id": "sum", "call": call }] }).to_string();
    let started = running.json(&["workflow", "start", "operator", "graph", &graph])?;
    let id = started["id"].as_str().context("it has an id")?;
    let ended = running.json(&["workflow", "wait", "operator", id])?;
    ensure!(ended.to_string().contains(&SUM.to_string()), "{ended}");
    Ok(())
}

/// A program of a user's calls it with an API key. The example knows the user, the key and that the gateway speaks for them.
pub(super) fn through_the_gateway(running: &Running) -> Result<()> {
    let core = |method: &str, params: Value| running.json(&["call", "core", method, &params.to_string()]);
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    let user = text(&core("createUser", json!({ "email": "ada@b.example", "name": "ada" }))?["id"])?;
    let rights = json!(["rpc web whoAmI"]);
    core("putRole", json!({ "name": "caller", "rights": rights }))?;
    core("assignRole", json!({ "userId": user, "role": "caller" }))?;
    let key = json!({ "userId": user, "name": "a program", "rights": rights });
    let key = core("createApiKey", key)?;
    let shown = format!("Authorization: Bearer {}\r\n", text(&key["secret"])?);
    let call = |path: &str, params: Value| running.fleet.send_with(&shown, "POST", "api", path, &params);
    let seen = match running.callers {
        // Nobody is asked, so nobody is known.
        Callers::Anybody => json!({ "subject": null, "by": null }),
        Callers::WithTokens => {
            let subject = format!("user/{user}/key/{}", text(&key["key"]["id"])?);
            json!({ "subject": subject, "by": "service:api" })
        }
    };
    let (status, answer) = call("/v1/web/whoAmI", json!({}))?;
    ensure!(
        status == 200 && answer["result"] == seen,
        "{status} {answer}, not {seen}"
    );
    let relayed = json!({ "service": "web", "method": "whoAmI" });
    let (status, answer) = call("/v1/sys/rpc", relayed)?;
    ensure!(
        status == 200 && answer["result"] == seen,
        "{status} {answer}, not {seen}"
    );
    if running.callers == Callers::WithTokens {
        let (status, answer) = call("/v1/web/total", json!({}))?;
        ensure!(
            status == 403 && answer["error"]["code"] == "FORBIDDEN",
            "{status} {answer}"
        );
    }
    Ok(())
}

/// Whoever has no token, one for another service, one that allows another method, or one that they signed themselves is refused.
pub(super) fn by_who_may_not(running: &Running) -> Result<()> {
    let narrow =
        |right: &str, at: &str| running.minted(&["--subject", "shop", "--right", right, "--at", at, "--bearer"]);
    let good = narrow("rpc web total", "web")?;
    // The last character of a signature holds bits that do not count; one in the middle of it does.
    let (head, tail) = good.split_at(good.len() - 20);
    let bent = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
    let held = running.minted(&["core"])?;
    let held = held.rsplit_once('.').context("it has a key")?.0;
    let total = json!({ "method": "total", "params": { "numbers": [1] } });
    for (token, wanted, code) in [
        (Some(good.as_str()), 200, Value::Null),
        (None, 401, json!("UNAUTHENTICATED")),
        (
            Some(narrow("rpc core *", "core")?.as_str()),
            401,
            json!("TOKEN_AUDIENCE"),
        ),
        (Some(foreign()?.as_str()), 401, json!("TOKEN_INVALID")),
        (Some(bent.as_str()), 401, json!("TOKEN_INVALID")),
        (Some("a.b.c"), 401, json!("TOKEN_INVALID")),
        // What names a key is no credential by itself.
        (Some(held), 401, json!("TOKEN_INVALID")),
        (Some(narrow("rpc web rest", "web")?.as_str()), 403, json!("FORBIDDEN")),
    ] {
        let (status, answer) = running.call(token, &total)?;
        ensure!(
            status == wanted && answer["error"]["code"] == code,
            "{token:?} was answered {status} {answer}, not {wanted} {code}"
        );
        let lacks = &answer["error"]["details"]["right"];
        ensure!(status != 403 || lacks == "rpc web total", "{answer}");
    }
    // A relay is no way around: what is shown has to allow the call there.
    let there = json!({ "service": "operator", "method": "mesh.list" });
    let (status, answer) = running.call(Some(&good), &there)?;
    ensure!(status == 403, "{status} {answer}");
    Ok(())
}

/// A token that another root signed.
fn foreign() -> Result<String> {
    let stranger = tempfile::tempdir()?;
    let key = stranger.path().join("root.key");
    let made: Ran = blackroad(&["token", "keygen", "--out"]).arg(&key).output()?.into();
    ensure!(made.code == Some(0), "{made:?}");
    super::running::minted(
        &key,
        &[
            "--subject",
            "shop",
            "--right",
            "rpc web total",
            "--at",
            "web",
            "--bearer",
        ],
    )
}
