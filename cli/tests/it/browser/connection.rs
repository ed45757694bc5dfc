//! The socket to the browser: commands with their answers, and what each tab reports.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::tungstenite::Message;

use super::COMMAND;

/// What a tab has reported so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) loaded: HashSet<String>,
    pub(super) errors: Vec<String>,
}

/// Who waits for which answer, and which tabs there are.
pub(super) struct Connection {
    next: AtomicU64,
    out: mpsc::Sender<Message>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    tabs: Mutex<BTreeMap<String, watch::Sender<Seen>>>,
}

impl Connection {
    /// A connection whose commands go out through that channel.
    pub(super) fn new(out: mpsc::Sender<Message>) -> Self {
        Connection {
            next: AtomicU64::new(1),
            out,
            waiting: Mutex::default(),
            tabs: Mutex::default(),
        }
    }

    /// Follows what a tab reports.
    pub(super) fn follow(&self, session: &str) -> watch::Receiver<Seen> {
        let (tell, seen) = watch::channel(Seen::default());
        lock(&self.tabs).insert(session.to_owned(), tell);
        seen
    }

    /// Tells all who still wait that nothing will come.
    pub(super) fn end(&self) {
        lock(&self.waiting).clear();
    }

    /// Sends a command, to a tab or to the browser, and waits for its answer.
    pub(super) async fn ask(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value> {
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
    pub(super) fn hear(&self, text: &str) {
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
pub(super) fn thrown_words(details: &Value) -> String {
    let description = &details["exception"]["description"];
    description.as_str().map_or_else(|| details.to_string(), str::to_owned)
}

/// A lock whose holder panicked still guards whole values here.
fn lock<T>(guarded: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}
