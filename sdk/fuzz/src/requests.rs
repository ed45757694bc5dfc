//! Whole requests, to services that run.

use std::sync::OnceLock;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::BodyExt as _;
use syscall_sdk::config::Variables;
use syscall_sdk::host::{Host, Running};
use syscall_sdk::transport::{Body, Request, Response};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Who is asked: the users, the graphs of nodes, the file tree, and the gateway with its webhooks; each with every syscall.
const SERVICES: [&str; 4] = ["core", "operator", "os", "api"];
/// Longest wait for an answer: a call has 30 s at most, so one that takes longer hangs.
const ANSWER_MAX: Duration = Duration::from_secs(40);
/// How long a body is read: a stream of events never ends.
const BODY_MAX: Duration = Duration::from_millis(5);

struct Fleet {
    runtime: Runtime,
    running: Running,
}

impl Fleet {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime needs threads and an event queue");
        let variables = [
            ("AMNESIA", "true"),
            ("LOG_LEVEL", "fatal"),
            ("SYSCALL_AUTH", "open"),
            ("WEBHOOK_GITHUB_SECRETS", "it's a secret to everybody"),
            ("WEBHOOK_STRIPE_SECRETS", "whsec_of_some_sixteen_bytes"),
            ("WEBHOOK_SLACK_SECRETS", "8f742231b10e8888abcd99yyyzzz85a5"),
            ("WEBHOOK_STANDARD_SECRETS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let host = Host::new(Variables::from(variables))
            .mount(blackroad_os_core::service)
            .mount(blackroad_os_operator::service)
            .mount(blackroad_os_interface::service)
            .mount(blackroad_os_api::service);
        let running = runtime
            .block_on(host.start(Vec::new()))
            .expect("the fleet starts in memory");
        Fleet { runtime, running }
    }
}

/// A request as text: a service's number, the method and the path on the first line, headers, an empty line, the body. No request, however
/// bent, is answered with a fault of ours, and each refusal says why in the contract's shape.
pub fn requests(data: &[u8]) {
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    let Some((service, request)) = read(data) else { return };
    let shown = format!("{} {} of {service}", request.method(), request.uri());
    let fleet = FLEET.get_or_init(Fleet::start);
    let handler = fleet.running.handler(service).expect("it is mounted");
    fleet.runtime.block_on(async {
        let response = timeout(ANSWER_MAX, handler.answer(request)).await;
        let response = response.unwrap_or_else(|_| panic!("{shown} hangs"));
        check(&shown, response).await;
    });
}

async fn check(shown: &str, response: Response) {
    let status = response.status().as_u16();
    assert!(!matches!(status, 500 | 501), "{shown} is answered {status}");
    let json = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind == "application/json");
    let body = timeout(BODY_MAX, response.into_body().collect()).await;
    if let (400.., true, Ok(Ok(body))) = (status, json, body) {
        let body = body.to_bytes();
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("what says that it is JSON is JSON");
        // The deep health is no error, though its status says that something is not well.
        let told = answer["error"]["code"].is_string() && answer["error"]["message"].is_string();
        assert!(
            told || answer["status"].is_string() || answer["reads"].is_boolean(),
            "{shown} is refused with {answer}"
        );
    }
}

fn read(data: &[u8]) -> Option<(&'static str, Request)> {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(3, |byte| *byte == b' ');
    let service = SERVICES[usize::from(*first.next()?.first()?) % SERVICES.len()];
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = Method::from_bytes(first.next()?).ok()?;
    *request.uri_mut() = Uri::try_from(first.next()?)
        .ok()
        .filter(|uri| uri.path().starts_with('/'))?;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request
            .headers_mut()
            .append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    Some((service, request))
}
