//! A headless Chromium, driven over its DevTools protocol.
//!
//! It reaches this machine only: names under `localhost` are 127.0.0.1, and every other name or address is not found.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

mod connection;
mod page;

use connection::Connection;
pub(crate) use page::{ALT, CONTROL, META, Page, SHIFT};

/// How long one command may take: a screenshot of a long page on a busy machine is the slowest.
const COMMAND: Duration = Duration::from_secs(30);

/// A running browser with a profile of its own; it ends when this is dropped.
pub(crate) struct Browser {
    connection: Arc<Connection>,
    pump: JoinHandle<()>,
    // Dropped in this order: the process first, then the folder it writes to.
    _process: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts `$CHROMIUM`, or the first Chromium or Chrome on the path.
    ///
    /// # Errors
    /// Where there is none, or it does not open its debugging port.
    pub(crate) async fn launch() -> Result<Self> {
        let program = find().context("no Chromium found: install Debian's `chromium`, or set CHROMIUM to its path")?;
        let profile = tempfile::tempdir()?;
        let mut process = Command::new(&program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, \
                 EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start: install Debian's `chromium`", program.display()))?;

        let errors = process.stderr.take().context("its standard error is a pipe")?;
        let mut lines = BufReader::new(errors).lines();
        let mut said = String::new();
        let address = tokio::time::timeout(COMMAND, async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    return Ok(address.to_owned());
                }
                said.push_str(&line);
                said.push('\n');
            }
            bail!(
                "{} ended before it listened; install Debian's `chromium`. It said:\n{said}",
                program.display()
            )
        })
        .await
        .with_context(|| format!("{} did not listen in {COMMAND:?}", program.display()))??;

        let (socket, _) = tokio_tungstenite::connect_async(address).await?;
        let (mut sink, mut stream) = socket.split();
        let (out, mut orders) = mpsc::channel(64);
        let connection = Arc::new(Connection::new(out));
        let hearing = connection.clone();
        let pump = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(order) = orders.recv() => if sink.send(order).await.is_err() { break },
                    Some(Ok(message)) = stream.next() => {
                        if let Message::Text(text) = message { hearing.hear(text.as_str()); }
                    }
                    // Drained, so that the browser never blocks on a full pipe.
                    Ok(Some(_)) = lines.next_line() => {}
                    else => break,
                }
            }
            // Whoever still waits is told by the closed channel.
            hearing.end();
        });
        Ok(Browser {
            connection,
            pump,
            _process: process,
            _profile: profile,
        })
    }

    /// Opens a tab of that size that prefers light or dark; below 600 px it is a phone.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub(crate) async fn page(&self, width: u32, height: u32, dark: bool) -> Result<Page> {
        let browser = &self.connection;
        let context = browser.ask(None, "Target.createBrowserContext", json!({})).await?;
        let target = json!({ "url": "about:blank", "browserContextId": context["browserContextId"] });
        let target = browser.ask(None, "Target.createTarget", target).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.ask(None, "Target.attachToTarget", attach).await?;
        let session = attached["sessionId"].as_str().context("a session")?.to_owned();
        let seen = browser.follow(&session);
        let page = Page {
            connection: browser.clone(),
            session,
            seen,
        };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            page.ask(domain, json!({})).await?;
        }
        page.ask("Page.setLifecycleEventsEnabled", json!({ "enabled": true }))
            .await?;
        let phone = width < 600;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        page.ask("Emulation.setDeviceMetricsOverride", size).await?;
        page.ask("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone }))
            .await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        page.ask("Emulation.setEmulatedMedia", media).await?;
        Ok(page)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
}
