//! Each service in a host of its own, over sockets in a directory, as `up --processes` runs them; their time is moved by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use syscall_sdk::config::Variables;
use syscall_sdk::context::Context;
use syscall_sdk::host::{Door, DrainBudget, Host, Running, Status};
use syscall_sdk::registry::{BUILTIN, Registry};
use syscall_sdk::transport::Bind;

use crate::fleet::SERVICES;
use crate::pages::SOON;

/// The hosts that run.
pub(crate) struct Hosts {
    /// Where peers look for each other.
    known_at: PathBuf,
    /// Where they listen: elsewhere, if something stands between them.
    listen_at: PathBuf,
    registry: Registry,
    running: Vec<(&'static str, Running)>,
}

impl Hosts {
    pub(crate) fn new(known_at: &Path, listen_at: &Path, probe_interval: u64) -> Result<Self> {
        let interval = format!("probe_interval_seconds = {probe_interval}");
        Ok(Hosts {
            known_at: known_at.to_owned(),
            listen_at: listen_at.to_owned(),
            registry: Registry::parse(&BUILTIN.replace("probe_interval_seconds = 30", &interval))?,
            running: Vec::new(),
        })
    }

    /// Starts one and waits until it is up, whoever else is.
    pub(crate) async fn start(&mut self, key: &str) -> Result<()> {
        let (key, make) = SERVICES
            .iter()
            .copied()
            .find(|(known, _)| *known == key)
            .context("a service")?;
        let variables = Variables::from([
            ("AMNESIA".to_owned(), "true".to_owned()),
            ("SYSCALL_SOCKETS".to_owned(), self.known_at.display().to_string()),
        ]);
        let bind = Bind::Unix(self.listen_at.join(format!("{key}.sock")));
        let starting = Host::new(variables)
            .registry(self.registry.clone())
            .mount(make)
            .start(vec![Door::of_service(key, vec![bind])]);
        let running = tokio::time::timeout(SOON, starting)
            .await
            .with_context(|| format!("{key} waits"))??;
        anyhow::ensure!(
            running.standings()[key].borrow().status == Status::Running,
            "{key} does not run"
        );
        self.running.push((key, running));
        Ok(())
    }

    pub(crate) fn context(&self, key: &str) -> Context {
        let (_, running) = self.running.iter().find(|(known, _)| *known == key).unwrap();
        Context::new(running.kernel(key).unwrap())
    }

    /// The processes of the roster that are up, as `service/instance`, in order; asked of the operator itself, past all sockets.
    pub(crate) async fn roster(&self) -> Result<Vec<String>> {
        let operator = self.context("operator");
        let mesh = operator
            .rpc()
            .call_by_name(
                "operator",
                "mesh.list",
                Some(&json!({}).into()),
                operator.call_options(),
            )
            .await?
            .value();
        let mut up: Vec<String> = mesh["services"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|service| {
                let instances = service["instances"].as_array().into_iter().flatten();
                let up = instances.filter(|instance| instance["state"] == "up");
                up.map(|instance| format!("{}/{}", text(&service["key"]), text(&instance["instance"])))
            })
            .collect();
        up.sort();
        Ok(up)
    }

    /// What the roster should say: every one of them, once.
    pub(crate) fn expected(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .running
            .iter()
            .map(|(key, _)| format!("{key}/{}", self.context(key).kernel().incarnation))
            .collect();
        all.sort();
        all
    }

    /// Ends one, and with it what it knew.
    pub(crate) async fn stop_one(&mut self, key: &str) {
        let at = self.running.iter().position(|(known, _)| *known == key).unwrap();
        self.running.remove(at).1.stop(DrainBudget::none(), "test").await;
    }

    pub(crate) async fn stop(self) {
        for (_, running) in self.running {
            running.stop(DrainBudget::none(), "test").await;
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Lets so much time pass in steps of a second; between them sockets and threads do what they have to. Gives what `look` saw after each.
pub(crate) async fn pass<T>(time: Duration, mut look: impl FnMut() -> T) -> Vec<T> {
    let mut seen = Vec::new();
    for _ in 0..time.as_secs() {
        // Paused around the step alone: time must not run ahead of sockets and threads, which it does not wait for.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::time::resume();
        settle().await;
        seen.push(look());
    }
    seen
}

/// Lets what is ready run, and what it makes ready, through many rounds of the runtime's driver.
async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}
