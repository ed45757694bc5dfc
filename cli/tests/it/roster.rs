//! The roster of the operator: what is said of a process in its place does not outlast what the process itself answers.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::fleet::Fleet;

/// Whether web's only process that is up is this one.
fn only_up(mesh: &Value, instance: &str) -> bool {
    let services = mesh["services"].as_array().into_iter().flatten();
    let web = services.filter(|service| service["key"] == "web");
    let up: Vec<_> = web
        .flat_map(|service| service["instances"].as_array().into_iter().flatten())
        .filter(|process| process["state"] == "up")
        .map(|process| process["instance"].as_str().unwrap_or_default())
        .collect();
    up == [instance]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_announced_away_is_found_again_when_it_answers() -> Result<()> {
    let fleet = Fleet::start().await?;
    let api = fleet.context("api");
    let call = async |method: &str, params: Value| {
        let params = params.into();
        let options = api.call_options();
        api.rpc().call_by_name("operator", method, Some(&params), options).await
    };
    let web = fleet.context("web").kernel().incarnation.clone();
    let identity = fleet.json("web", "/v1/sys/identity").await?;
    let stray = json!({ "identity": identity, "instance": "stray", "url": "http://127.0.0.1:1" });
    call("mesh.announce", stray).await?;
    assert!(only_up(&call("mesh.list", json!({})).await?.value(), "stray"));

    let found = async {
        loop {
            if only_up(&call("mesh.list", json!({})).await?.value(), &web) {
                return Ok::<_, anyhow::Error>(());
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::pages::SOON, found)
        .await
        .context("the one that answers is up, and the stray one is lost")??;
    fleet.stop().await;
    Ok(())
}
