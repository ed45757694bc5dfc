//! A host with one service of the tests' own, asked in process: everything real but the socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syscall_sdk::config::Variables;
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::contract::{Method as Rpc, Task};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Body, Handler, Request};
use utoipa::ToSchema;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Text {
    pub(crate) text: String,
}

pub(crate) const ECHO: Rpc<Text, Text> = Rpc::new("core", "echo", "Gives back what it is given.").idempotent();
pub(crate) const COUNT: Rpc<(), u32> = Rpc::new("core", "count", "Counts its calls.");
pub(crate) const HANG: Rpc<(), ()> = Rpc::new("core", "hang", "Never ends.");
pub(crate) const PANIC: Rpc<(), ()> = Rpc::new("core", "panic", "Panics.");
pub(crate) const REFUSE: Rpc<Text, ()> = Rpc::new("core", "refuse", "Fails with the kind it is told.");
pub(crate) const UPPER: Task<Text, Text> = Task::new("core", "upper").attempts(3);
pub(crate) const FLAKY: Task<(), u32> =
    Task::new("core", "flaky")
        .attempts(3)
        .backoff(syscall_sdk::policy::Backoff::doubling(
            Duration::from_millis(10),
            Duration::from_millis(20),
        ));
pub(crate) const HOPELESS: Task<(), ()> = Task::new("core", "hopeless");
pub(crate) const STUBBORN: Task<(), ()> = Task::new("core", "stubborn");

/// The service of the tests, with a counter that tells how often `count` was called.
pub(crate) fn service(calls: &Arc<AtomicU32>) -> Service {
    let calls = Arc::clone(calls);
    Service::new("core", "1.2.3")
        .method(ECHO, |_: Context, text: Text| async move { Ok(text) })
        .method(COUNT, move |_: Context, (): ()| {
            let calls = Arc::clone(&calls);
            async move { Ok(calls.fetch_add(1, Ordering::SeqCst) + 1) }
        })
        .method(HANG, |_: Context, (): ()| std::future::pending::<Result<()>>())
        .method(PANIC, |_: Context, (): ()| async move { panic!("on purpose") })
        .method(REFUSE, |_: Context, params: Text| async move {
            Err(match params.text.as_str() {
                "invalid" => Error::invalid("no"),
                "forbidden" => Error::new(syscall_sdk::error::Kind::Forbidden, "no"),
                "missing" => Error::not_found("no")
                    .with_code("USER_NOT_FOUND")
                    .with_details(serde_json::json!({ "id": "7" })),
                "conflict" => Error::conflict("no"),
                _ => Error::unavailable("no"),
            })
        })
        .task(UPPER, |context: JobContext, params: Text| async move {
            context.progress(&serde_json::json!({ "half": true })).await?;
            Ok(Text {
                text: params.text.to_uppercase(),
            })
        })
        .task(FLAKY, |context: JobContext, (): ()| async move {
            let attempt = context.job().attempt;
            if attempt < 3 {
                Err(Error::unavailable("not yet"))
            } else {
                Ok(attempt)
            }
        })
        .task(HOPELESS, |_: JobContext, (): ()| async move {
            Err(Error::unavailable("the account is closed").without_retry())
        })
        .task(STUBBORN, |context: JobContext, (): ()| async move {
            context.cancelled().await;
            Ok(())
        })
}

/// A running host.
pub(crate) struct Fixture {
    pub(crate) running: Running,
    pub(crate) handler: Handler,
    pub(crate) calls: Arc<AtomicU32>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

pub(crate) fn variables(pairs: &[(&str, &str)]) -> Variables {
    let own = [("AMNESIA", "true")];
    own.iter()
        .chain(pairs)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    request
}

/// Asks a handler and reads its answer whole.
pub(crate) async fn ask(
    handler: &Handler,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let response = handler.answer(request(method, path, headers, body.into())).await;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
        text,
    }
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(pairs: &[(&str, &str)]) -> Self {
        Self::run(Host::new(variables(pairs))).await
    }

    async fn run(host: Host) -> Self {
        let calls = Arc::<AtomicU32>::default();
        let counted = Arc::clone(&calls);
        let running = host.mount(move || service(&counted)).start(Vec::new()).await.unwrap();
        let handler = running.handler("core").expect("the service booted");
        Fixture {
            running,
            handler,
            calls,
        }
    }

    /// With a second service beside it in the same host.
    pub(crate) async fn start_beside(other: fn() -> Service) -> Self {
        Self::run(Host::new(variables(&[])).mount(other)).await
    }

    pub(crate) async fn stop(self) {
        self.running.stop(DrainBudget::none(), "test").await;
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        ask(&self.handler, method, path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[], body.to_string()).await
    }

    pub(crate) async fn rpc(&self, method: &str, params: Value) -> Answer {
        self.post(
            "/v1/sys/rpc",
            &serde_json::json!({ "method": method, "params": params }),
        )
        .await
    }

    /// Opens a stream and gives its frames, one at a time.
    pub(crate) async fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Frames {
        let request = request(Method::GET, path, headers, Body::empty());
        let response = self.handler.answer(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        Frames {
            body: response.into_body(),
            buffer: String::new(),
        }
    }

    /// Waits until a job has ended.
    pub(crate) async fn ended(&self, id: &str) -> syscall_sdk::store::Job {
        let kernel = self.running.kernel("core").unwrap();
        tokio::time::timeout(Duration::from_secs(20), kernel.jobs.ended(id))
            .await
            .expect("the job ends")
            .unwrap()
    }
}

/// The messages of a stream.
pub(crate) struct Frames {
    body: Body,
    buffer: String,
}

/// One message.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Frames {
    /// Waits until the stream ends by itself, whatever comes before.
    pub(crate) async fn end(mut self) {
        let rest = async { while self.body.frame().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(20), rest)
            .await
            .expect("the stream ends");
    }

    /// The next message that bears data.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            if let Some((message, rest)) = self.buffer.split_once("\n\n") {
                let field = |name: &str| {
                    message
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                let frame = field("data:").map(|data| Frame {
                    id: field("id:"),
                    data: serde_json::from_str(&data).unwrap(),
                });
                self.buffer = rest.to_owned();
                match frame {
                    Some(frame) => return frame,
                    None => continue,
                }
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame())
                .await
                .expect("a message comes");
            let data = frame.expect("the stream lasts").unwrap().into_data().unwrap();
            self.buffer.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}
