//! What services tell each other where everybody is asked for a token: the trail hears of all of them, and webhooks go out.

use anyhow::{Context as _, Result, ensure};
use blackroad_os_contracts::api::{CREATE_WEBHOOK, CreateWebhook};
use blackroad_os_contracts::core::{CREATE_USER, CreateUser};
use http::StatusCode;
use syscall_sdk::wire::AuditPage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::fleet::{Fleet, SERVICES};
use crate::pages::SOON;
use crate::people::as_owner;

/// The trail, as the owner reads it.
async fn trail(fleet: &Fleet) -> Result<AuditPage> {
    let owner = fleet.owner()?.credential.context("the owner holds a token")?;
    let request = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .get(format!("http://127.0.0.1:{}/v1/audit?limit=1000", fleet.port()))
        .header("host", format!("core.localhost:{}", fleet.port()))
        .header("authorization", owner.reveal());
    Ok(request.send().await?.error_for_status()?.json().await?)
}

/// Waits until core is subscribed to by a service.
async fn subscribed(fleet: &Fleet, subscriber: &str) -> Result<()> {
    let core = fleet.context("core");
    let kernel = core.kernel();
    let mut heads = kernel.store.heads();
    let found = async {
        loop {
            let outgoing = kernel.subscriptions.list().await?.outgoing;
            if outgoing.iter().any(|one| one.subscriber == subscriber) {
                return Ok(());
            }
            heads.changed().await?;
        }
    };
    tokio::time::timeout(SOON, found)
        .await
        .with_context(|| format!("core has not heard of a subscription of {subscriber}"))?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tokens_the_trail_has_what_each_service_refused() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    for (service, _) in SERVICES {
        let refused = fleet.get(&format!("{service}.localhost:PORT"), "/v1/sys/state").await?;
        ensure!(
            refused.status() == StatusCode::UNAUTHORIZED,
            "{service}: {}",
            refused.status()
        );
    }
    // Refusals are gathered for a minute, and told when a process ends before.
    let fleet = fleet.again().await?;
    let core = fleet.context("core");
    let mut heads = core.kernel().store.heads();
    let registry = core.registry();
    let mut unheard: Vec<&str> = SERVICES.iter().map(|(key, _)| *key).collect();
    let heard = async {
        loop {
            let entries = trail(&fleet).await?.entries;
            unheard.retain(|key| {
                let name = registry
                    .get(key)
                    .map(|service| service.name.as_str())
                    .unwrap_or_default();
                !entries
                    .iter()
                    .any(|entry| entry.service == name && entry.target == "GET /v1/sys/state")
            });
            if unheard.is_empty() {
                return anyhow::Ok(());
            }
            heads.changed().await?;
        }
    };
    let outcome = tokio::time::timeout(SOON, heard).await;
    outcome.with_context(|| format!("the trail has not heard of {unheard:?}"))??;
    fleet.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tokens_a_user_that_is_made_at_core_is_told_to_a_webhook() -> Result<()> {
    let fleet = Fleet::start_guarded().await?;
    subscribed(&fleet, "api").await?;
    let endpoint = TcpListener::bind("127.0.0.1:0").await?;
    let webhook = CreateWebhook {
        url: format!("http://{}/hooks", endpoint.local_addr()?),
        events: vec!["user:*".to_owned()],
        description: None,
    };
    as_owner(&fleet, &CREATE_WEBHOOK, webhook).await?;
    let grace = CreateUser {
        email: "grace@b.example".to_owned(),
        name: "Grace Hopper".to_owned(),
    };
    as_owner(&fleet, &CREATE_USER, grace).await?;
    let told = async {
        let (mut stream, _) = endpoint.accept().await?;
        let mut read = Vec::new();
        while !read.ends_with(b"}") {
            ensure!(stream.read_buf(&mut read).await? > 0, "it ended within a request");
        }
        stream
            .write_all(b"HTTP/1.1 204 Thanks\r\nconnection: close\r\n\r\n")
            .await?;
        Ok(String::from_utf8(read)?)
    };
    let told = tokio::time::timeout(SOON, told).await.context("nothing was sent")??;
    ensure!(
        told.starts_with("POST /hooks ") && told.contains(r#""type":"user:created""#),
        "{told}"
    );
    fleet.stop().await;
    Ok(())
}
