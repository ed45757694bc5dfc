//! A stream of the service under test, read message by message, each with a bound.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use syscall_sdk::rpc::sse::{Message, Parser};
use tokio::time::{Instant, timeout_at};

use super::probe::Probe;
use super::reply::{Is, has};
use super::rule::{Verdict, ensure, fail};

/// Longest wait for a message that must come.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stream.
pub(super) struct Stream {
    asked: String,
    response: reqwest::Response,
    parser: Parser,
    waiting: std::collections::VecDeque<Message>,
}

/// A message whose data was read.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) id: Option<String>,
    pub(super) data: Value,
}

impl Stream {
    /// Opens a stream: 200 and `text/event-stream`.
    pub(super) async fn open(
        probe: &Probe,
        path: &str,
        query: &[(&str, &str)],
        last_id: Option<&str>,
    ) -> Verdict<Self> {
        let mut request = probe.ask(Method::GET, path).query(query);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let asked = format!("GET {path} {query:?}");
        let Ok(response) = request.send().await else {
            return fail(format!("{asked} had no answer"));
        };
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let status = response.status().as_u16();
        ensure(status == 200 && kind.starts_with("text/event-stream"), || {
            format!("{asked} answered {status} as {kind:?}, not 200 as text/event-stream")
        })?;
        Ok(Stream {
            asked,
            response,
            parser: Parser::default(),
            waiting: std::collections::VecDeque::new(),
        })
    }

    /// The next message, which must come soon.
    pub(super) async fn next(&mut self) -> Verdict<Told> {
        match self.within(PATIENCE).await? {
            Some(told) => Ok(told),
            None => fail(format!("{} sent nothing for {} s", self.asked, PATIENCE.as_secs())),
        }
    }

    /// The next message whose data passes a test; what comes between is passed over.
    pub(super) async fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Verdict<Told> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.within(until.saturating_duration_since(Instant::now())).await? {
                Some(told) if wanted(&told.data) => return Ok(told),
                Some(_) => {}
                None => {
                    return fail(format!(
                        "{} did not send what it should within {} s",
                        self.asked,
                        PATIENCE.as_secs()
                    ));
                }
            }
        }
    }

    /// Waits for a comment, such as a heartbeat.
    pub(super) async fn comment(&mut self, wait: Duration) -> Verdict<bool> {
        let until = Instant::now() + wait;
        let before = self.parser.comments();
        while self.parser.comments() == before {
            if !self.read(until).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn within(&mut self, wait: Duration) -> Verdict<Option<Told>> {
        let until = Instant::now() + wait;
        loop {
            if let Some(message) = self.waiting.pop_front() {
                let Ok(data) = serde_json::from_str(&message.data) else {
                    return fail(format!("{} sent data that is no JSON: {}", self.asked, message.data));
                };
                return Ok(Some(Told { id: message.id, data }));
            }
            if !self.read(until).await? {
                return Ok(None);
            }
        }
    }

    async fn read(&mut self, until: Instant) -> Verdict<bool> {
        match timeout_at(until, self.response.chunk()).await {
            Err(_) => Ok(false),
            Ok(Ok(Some(chunk))) => {
                self.waiting.extend(self.parser.push(&chunk));
                Ok(true)
            }
            Ok(_) => fail(format!("{} was closed by the service", self.asked)),
        }
    }
}

/// It is an event in the contract's shape.
pub(super) fn is_event(told: &Told) -> Verdict {
    let fields = [
        ("id", Is::Word),
        ("event", Is::Word),
        ("timestamp", Is::Moment),
        ("source", Is::Word),
        ("data?", Is::Any),
    ];
    has(&told.data, &fields).map_err(|stop| match stop {
        super::rule::Stop::Fail(what) => super::rule::Stop::Fail(format!("{what}: the stream sent {}", told.data)),
        skip @ super::rule::Stop::Skip(_) => skip,
    })
}
