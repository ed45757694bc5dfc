//! A tab: where it goes, what is pressed, what it shows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::COMMAND;
use super::connection::{Connection, Seen, thrown_words};

/// Alt, as [`Page::press`] takes it.
pub(crate) const ALT: u8 = 1;
/// Control.
pub(crate) const CONTROL: u8 = 2;
/// Meta, the command key.
pub(crate) const META: u8 = 4;
/// Shift.
pub(crate) const SHIFT: u8 = 8;

/// A tab with a profile of its own.
pub(crate) struct Page {
    pub(super) connection: Arc<Connection>,
    pub(super) session: String,
    pub(super) seen: watch::Receiver<Seen>,
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

    /// Waits until an expression is true, looking every few frames inside the page, and inside the next one where this one goes away.
    ///
    /// # Errors
    /// Where it is still not true when the time is over.
    pub(crate) async fn wait_for(&self, expression: &str, at_most: Duration) -> Result<()> {
        let until = tokio::time::Instant::now() + at_most;
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            match self.look_for(expression, left).await {
                Err(error) if !left.is_zero() && went_away(&error) => {}
                looked => return looked,
            }
        }
    }

    async fn look_for(&self, expression: &str, at_most: Duration) -> Result<()> {
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
            "F6" => ("F6".to_owned(), 117, ""),
            digit if digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit() => {
                let typed = if modifiers & (CONTROL | META | ALT) == 0 {
                    digit
                } else {
                    ""
                };
                (format!("Digit{digit}"), u32::from(digit.as_bytes()[0]), typed)
            }
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

    /// Takes hold of the middle of an element and moves it by so many pixels.
    ///
    /// # Errors
    /// As [`Page::click`].
    pub(crate) async fn drag(&self, selector: &str, right: i32, down: i32) -> Result<()> {
        let (x, y) = self.middle(selector).await?;
        let (to_x, to_y) = (x + f64::from(right), y + f64::from(down));
        for (kind, x, y, buttons) in [
            ("mousePressed", x, y, 1),
            ("mouseMoved", (x + to_x) / 2.0, (y + to_y) / 2.0, 1),
            ("mouseMoved", to_x, to_y, 1),
            ("mouseReleased", to_x, to_y, 0),
        ] {
            let order = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1 });
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

    pub(super) async fn ask(&self, method: &str, parameters: Value) -> Result<Value> {
        self.connection.ask(Some(&self.session), method, parameters).await
    }
}

/// Whether a page was left while it was asked: the question is for the next one.
fn went_away(error: &anyhow::Error) -> bool {
    let words = format!("{error:#}");
    words.contains("navigated or closed") || words.contains("context was destroyed")
}
