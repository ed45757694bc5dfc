//! The roster of the operator: what is said of a process in its place does not outlast what the process itself answers.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use syscall_sdk::error::Error;
use syscall_sdk::wire::Json;

use crate::fleet::Fleet;

/// The names of web's processes that are in a state.
fn of_web(mesh: &Value, state: &str) -> Vec<String> {
    let services = mesh["services"].as_array().into_iter().flatten();
    let web = services.filter(|service| service["key"] == "web");
    web.flat_map(|service| service["instances"].as_array().into_iter().flatten())
        .filter(|process| process["state"] == state)
        .map(|process| process["instance"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Asks the operator, as the api does.
async fn call(fleet: &Fleet, method: &str, params: Value) -> Result<Json, Error> {
    let api = fleet.context("api");
    let options = api.call_options();
    api.rpc()
        .call_by_name("operator", method, Some(&params.into()), options)
        .await
}

async fn roster(fleet: &Fleet) -> Result<Value> {
    Ok(call(fleet, "mesh.list", json!({})).await?.value())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_answers_cannot_be_announced_away() -> Result<()> {
    let fleet = Fleet::start().await?;
    let web = fleet.context("web").kernel().incarnation.clone();
    let identity = fleet.json("web", "/v1/sys/identity").await?;
    for stray in 0..200 {
        let name = format!("stray-{stray}");
        let stray = json!({ "identity": identity, "instance": name, "url": "http://127.0.0.1:1" });
        call(&fleet, "mesh.announce", stray).await?;
        let up = of_web(&roster(&fleet).await?, "up");
        assert!(up.contains(&web) && up.contains(&name) && up.len() == 2, "{up:?}");
    }
    let listed = roster(&fleet).await?;
    assert_eq!(
        of_web(&listed, "up").len() + of_web(&listed, "lost").len(),
        64,
        "the others are forgotten"
    );

    let found = async {
        while of_web(&roster(&fleet).await?, "up") != [web.as_str()] {
            tokio::task::yield_now().await;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(crate::pages::SOON, found)
        .await
        .context("the one that answers is up, and the last stray one is lost")??;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_says_of_itself_is_short_and_leads_nowhere_else() -> Result<()> {
    let fleet = Fleet::start().await?;
    let identity = fleet.json("web", "/v1/sys/identity").await?;
    let announced = async |instance: &str, url: &str, version: &str| {
        let mut identity = identity.clone();
        identity["version"] = version.into();
        let said = json!({ "identity": identity, "instance": instance, "url": url });
        call(&fleet, "mesh.announce", said).await
    };
    let long = "x".repeat(450_000);
    let here = "http://127.0.0.1:8000";
    for (instance, url, version) in [
        (long.as_str(), here, "1"),
        ("a", here, long.as_str()),
        ("a", here, "1\n2"),
        ("a", &format!("http://localhost/{long}"), "1"),
        ("a", "gopher://localhost/", "1"),
        ("a", "javascript:alert(1)", "1"),
        ("a", "http://169.254.169.254/latest/meta-data", "1"),
        ("a", "http://2852039166/", "1"),
        ("a", "http://93.184.216.34/", "1"),
        ("a", "http://metadata.google.internal/", "1"),
        ("a", "http://root:secret@localhost/", "1"),
        ("a", "http://blackroad-os-core.railway.internal", "1"),
    ] {
        let refused = announced(instance, url, version).await.err().context("it is refused")?;
        assert_eq!(refused.code(), "INVALID_ARGUMENT", "{url:.80}: {refused}");
    }
    for url in [
        here,
        "http://[fd12::1]:8000",
        "http://10.1.2.3:8000",
        "https://web.localhost",
        "http://blackroad-os-web.railway.internal",
    ] {
        announced("b", url, "1").await?;
    }
    fleet.stop().await;
    Ok(())
}
