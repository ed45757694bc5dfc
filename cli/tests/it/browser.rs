//! A headless Chromium, driven over its DevTools protocol.
//!
//! It reaches this machine only: names under `localhost` are 127.0.0.1, and every other name or address is not found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

/// How long one command may take: a screenshot of a long page on a busy machine is the slowest.
const COMMAND: Duration = Duration::from_secs(30);

/// Alt, as [`Page::press`] takes it.
pub(crate) const ALT: u8 = 1;
/// Control.
pub(crate) const CONTROL: u8 = 2;
/// Meta, the command key.
pub(crate) const META: u8 = 4;
/// Shift.
pub(crate) const SHIFT: u8 = 8;

/// A running browser with a profile of its own; it ends when this is dropped.
pub(crate) struct Browser {
    connection: Arc<Connection>,
    pump: JoinHandle<()>,
    // Dropped in this order: the process first, then the folder it writes to.
    _process: Child,
    _profile: tempfile::TempDir,
}

/// A tab with a profile of its own.
pub(crate) struct Page {
    connection: Arc<Connection>,
    session: String,
    seen: watch::Receiver<Seen>,
}

/// What a tab has reported so far.
#[derive(Debug, Default)]
struct Seen {
    loaded: HashSet<String>,
    errors: Vec<String>,
}

struct Connection {
    next: AtomicU64,
    out: mpsc::Sender<Message>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    tabs: Mutex<BTreeMap<String, watch::Sender<Seen>>>,
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
        let connection = Arc::new(Connection {
            next: AtomicU64::new(1),
            out,
            waiting: Mutex::default(),
            tabs: Mutex::default(),
        });
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
            lock(&hearing.waiting).clear();
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
        let (tell, seen) = watch::channel(Seen::default());
        lock(&browser.tabs).insert(session.clone(), tell);
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

impl Page {
    /// Goes to a URL and waits until it has loaded.
    ///
    /// # Errors
    /// Where it cannot be reached or does not load in time.
    pub(crate) async fn goto(&self, url: &str) -> Result<()> {
        let answer = self.ask("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        // Without a loader it was a move within the document.
        let Some(loader) = answer["loaderId"].as_str() else {
            return Ok(());
        };
        let mut seen = self.seen.clone();
        tokio::time::timeout(COMMAND, seen.wait_for(|seen| seen.loaded.contains(loader)))
            .await
            .with_context(|| format!("{url} did not load in {COMMAND:?}"))??;
        Ok(())
    }

    /// The value of an expression, which may be a promise.
    ///
    /// # Errors
    /// Where it throws, or is not of that type.
    pub(crate) async fn eval<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let order =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.ask("Runtime.evaluate", order).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            bail!("{expression}\nthrew {}", thrown_words(thrown));
        }
        let value = answer["result"].get("value").cloned().unwrap_or(Value::Null);
        serde_json::from_value(value).with_context(|| format!("the value of {expression}"))
    }

    /// Waits until an expression is true, looking every few frames inside the page.
    ///
    /// # Errors
    /// Where it is still not true when the time is over.
    pub(crate) async fn wait_for(&self, expression: &str, at_most: Duration) -> Result<()> {
        let poll = format!(
            "new Promise((resolve, reject) => {{
                const end = performance.now() + {};
                const look = () => {{
                    let met = false;
                    try {{ met = !!({expression}); }} catch {{ /* not yet */ }}
                    if (met) resolve(true);
                    else if (performance.now() > end) reject(new Error('not so in time'));
                    else setTimeout(look, 20);
                }};
                look();
            }})",
            at_most.as_millis()
        );
        self.eval::<bool>(&poll).await.map(drop)
    }

    /// Writes a picture of the whole page.
    ///
    /// # Errors
    /// Where the browser refuses or the file cannot be written.
    pub(crate) async fn screenshot(&self, path: &Path) -> Result<()> {
        let metrics = self.ask("Page.getLayoutMetrics", json!({})).await?;
        let size = &metrics["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let order = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        self.save(order, path).await
    }

    /// Writes a picture of what is in view.
    ///
    /// # Errors
    /// As [`Page::screenshot`].
    pub(crate) async fn screenshot_of_view(&self, path: &Path) -> Result<()> {
        self.save(json!({ "format": "png" }), path).await
    }

    async fn save(&self, order: Value, path: &Path) -> Result<()> {
        let picture = self.ask("Page.captureScreenshot", order).await?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().context("a picture")?)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, bytes).with_context(|| path.display().to_string())
    }

    /// Presses a key, named as the DOM names it: `k`, `Enter`, `ArrowDown`; modifiers are added up.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub(crate) async fn press(&self, key: &str, modifiers: u8) -> Result<()> {
        let (code, number, text) = match key {
            "Enter" => ("Enter".to_owned(), 13, "\r"),
            "Escape" => ("Escape".to_owned(), 27, ""),
            "Tab" => ("Tab".to_owned(), 9, ""),
            "Backspace" => ("Backspace".to_owned(), 8, ""),
            "ArrowLeft" => ("ArrowLeft".to_owned(), 37, ""),
            "ArrowUp" => ("ArrowUp".to_owned(), 38, ""),
            "ArrowRight" => ("ArrowRight".to_owned(), 39, ""),
            "ArrowDown" => ("ArrowDown".to_owned(), 40, ""),
            " " => ("Space".to_owned(), 32, " "),
            letter if letter.chars().count() == 1 => {
                let upper = letter.to_uppercase();
                let number = upper.chars().next().map_or(0, |letter| letter as u32);
                (
                    format!("Key{upper}"),
                    number,
                    if modifiers & (CONTROL | META | ALT) == 0 {
                        letter
                    } else {
                        ""
                    },
                )
            }
            other => bail!("the driver does not know the key {other}"),
        };
        let mut order = json!({ "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers });
        order["type"] = json!(if text.is_empty() { "rawKeyDown" } else { "keyDown" });
        if !text.is_empty() {
            order["text"] = json!(text);
        }
        self.ask("Input.dispatchKeyEvent", order.clone()).await?;
        order["type"] = json!("keyUp");
        self.ask("Input.dispatchKeyEvent", order).await.map(drop)
    }

    /// Types into what has the focus.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub(crate) async fn type_text(&self, text: &str) -> Result<()> {
        self.ask("Input.insertText", json!({ "text": text })).await.map(drop)
    }

    /// Clicks in the middle of the first element that a selector finds, once it is in view.
    ///
    /// # Errors
    /// Where there is none, or something else covers it.
    pub(crate) async fn click(&self, selector: &str) -> Result<()> {
        let (x, y) = self.middle(selector).await?;
        for kind in ["mousePressed", "mouseReleased"] {
            let order = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", order).await?;
        }
        Ok(())
    }

    /// Moves the pointer to the middle of an element.
    ///
    /// # Errors
    /// As [`Page::click`].
    pub(crate) async fn hover(&self, selector: &str) -> Result<()> {
        let (x, y) = self.middle(selector).await?;
        self.ask(
            "Input.dispatchMouseEvent",
            json!({ "type": "mouseMoved", "x": x, "y": y }),
        )
        .await
        .map(drop)
    }

    async fn middle(&self, selector: &str) -> Result<(f64, f64)> {
        let found = format!(
            "(() => {{
                const element = document.querySelector({selector:?});
                if (!element) throw new Error('nothing is there');
                element.scrollIntoView({{ block: 'nearest', behavior: 'instant' }});
                const box = element.getBoundingClientRect();
                const at = [box.x + box.width / 2, box.y + box.height / 2];
                const top = document.elementFromPoint(...at);
                if (!element.contains(top) && !top?.contains(element)) throw new Error('covered by ' + top?.outerHTML.slice(0, 200));
                return at;
            }})()"
        );
        self.eval(&found)
            .await
            .with_context(|| format!("to point at {selector}"))
    }

    /// What the console has complained of so far: errors, uncaught exceptions, refused or failed requests.
    pub(crate) fn console_errors(&self) -> Vec<String> {
        self.seen.borrow().errors.clone()
    }

    /// Lets the page's scripts run, or not, from its next load on.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub(crate) async fn set_script_enabled(&self, enabled: bool) -> Result<()> {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": !enabled }))
            .await
            .map(drop)
    }

    async fn ask(&self, method: &str, parameters: Value) -> Result<Value> {
        self.connection.ask(Some(&self.session), method, parameters).await
    }
}

impl Connection {
    async fn ask(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut order = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            order["sessionId"] = json!(session);
        }
        let (tell, told) = oneshot::channel();
        lock(&self.waiting).insert(id, tell);
        self.out
            .send(Message::text(order.to_string()))
            .await
            .map_err(|_| anyhow!("the browser has gone"))?;
        let mut answer = tokio::time::timeout(COMMAND, told)
            .await
            .with_context(|| format!("{method} was not answered in {COMMAND:?}"))?
            .with_context(|| format!("{method}: the browser has gone"))?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }

    /// Takes an answer to whoever asked, or an event to the tab it is of.
    fn hear(&self, text: &str) {
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return;
        };
        if let Some(id) = message["id"].as_u64() {
            if let Some(tell) = lock(&self.waiting).remove(&id) {
                // Who asked may have given up.
                let _ = tell.send(message);
            }
            return;
        }
        let (Some(session), Some(method)) = (message["sessionId"].as_str(), message["method"].as_str()) else {
            return;
        };
        let tabs = lock(&self.tabs);
        let Some(tab) = tabs.get(session) else { return };
        let event = &message["params"];
        match method {
            "Page.lifecycleEvent" if event["name"] == "load" => {
                let loader = event["loaderId"].as_str().unwrap_or_default().to_owned();
                tab.send_modify(|seen| {
                    seen.loaded.insert(loader);
                });
            }
            "Runtime.exceptionThrown" => {
                let words = thrown_words(&event["exceptionDetails"]);
                tab.send_modify(|seen| seen.errors.push(words));
            }
            "Runtime.consoleAPICalled" if event["type"] == "error" => {
                tab.send_modify(|seen| seen.errors.push(event["args"].to_string()));
            }
            "Log.entryAdded" if event["entry"]["level"] == "error" => {
                let words = format!("{} {}", event["entry"]["text"], event["entry"]["url"]);
                tab.send_modify(|seen| seen.errors.push(words));
            }
            _ => {}
        }
    }
}

/// The words of something thrown.
fn thrown_words(details: &Value) -> String {
    let description = &details["exception"]["description"];
    description.as_str().map_or_else(|| details.to_string(), str::to_owned)
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

/// A lock whose holder panicked still guards whole values here.
fn lock<T>(guarded: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}
