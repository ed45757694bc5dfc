//! The gateway over real sockets: a real core that gives keys and tokens, a service that is asked, and every credential there is.

mod credentials;
mod cross_site;
mod limits;
mod streams;
mod versions;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use serde_json::{Value, json};
use syscall_sdk::auth::{EVERY_SERVICE, Grant, Rights, SigningKey, seconds, sign_first};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Variables;
use syscall_sdk::context::Context;
use syscall_sdk::contract::{Method, StreamMethod};
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::registry::Registry;
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};
use syscall_sdk::wire::Json;
use tokio::sync::Notify;

/// How long anything may take that must happen, on a busy machine.
const SOON: Duration = Duration::from_secs(20);
/// The host under which core and the gateway are asked, as on a laptop.
const GATEWAY: &str = "api.localhost:8000";
const CORE: &str = "core.localhost:8000";

const WHO: Method<Json, Json> = Method::new("web", "whoAmI", "Says as whom the caller is known.").idempotent();
const NEXT: Method<Json, Json> = Method::new("web", "next", "Gives the next number.");
const LARGE: Method<Json, Json> = Method::new("web", "large", "Gives so many letters.").idempotent();
const COUNT: StreamMethod<Json, Json> =
    StreamMethod::new("web", "count", "Counts to a number, and goes on where it is held.");

/// What the service that is asked has seen.
#[derive(Clone, Default)]
struct Seen {
    next: Arc<AtomicU64>,
    /// A stream was dropped before its end.
    left: Arc<Notify>,
}

/// Tells when a stream is dropped.
struct Held(Arc<Notify>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn value(json: &Value) -> Result<Json, syscall_sdk::error::Error> {
    Json::of(json).map_err(|error| syscall_sdk::error::Error::internal("no JSON").with_source(error))
}

async fn who(context: Context, _: Json) -> Result<Json, syscall_sdk::error::Error> {
    let caller = &context.request().caller;
    let shown = caller
        .credential
        .as_ref()
        .map(|shown| shown.reveal().to_owned())
        .unwrap_or_default();
    let principal = caller.principal.as_ref();
    value(&json!({
        "subject": principal.map(|principal| principal.subject.clone()),
        "by": principal.and_then(|principal| principal.by.clone()),
        "person": principal.and_then(|principal| principal.person().map(str::to_owned)),
        "rights": principal.map(|principal| principal.rights.texts()),
        "audience": principal.map(|principal| principal.audience.clone()),
        "life": principal.map(|principal| principal.expires_at.saturating_sub(seconds(context.clock()))),
        "service": caller.service,
        "key": shown.contains("br_"),
    }))
}

/// The service that is asked.
fn callee(seen: Seen) -> Service {
    let (counter, left) = (Arc::clone(&seen.next), Arc::clone(&seen.left));
    Service::new("web", "1.0.0")
        .method(WHO, who)
        .method(NEXT, move |_, _: Json| {
            let next = counter.fetch_add(1, Ordering::SeqCst);
            async move { value(&json!(next)) }
        })
        .method(LARGE, |_, letters: Json| async move {
            let count = letters.value().as_u64().unwrap_or_default();
            value(&json!("x".repeat(usize::try_from(count).unwrap_or_default())))
        })
        .stream_method(COUNT, move |_, params: Json| {
            let left = Arc::clone(&left);
            async move {
                let params = params.value();
                let to = params["to"].as_u64().unwrap_or_default();
                let numbers = stream::iter(0..to).map(|number| value(&json!(number)));
                if params["hold"] != json!(true) {
                    return Ok(numbers.boxed());
                }
                let held = Held(left);
                let rest = stream::pending().map(move |never: ()| {
                    let _ = (&held, never);
                    value(&json!(0))
                });
                Ok(numbers.chain(rest).boxed())
            }
        })
}

/// Core, a service and the gateway, each behind a port of its own.
struct Fleet {
    core: Running,
    web: Running,
    gateway: Running,
    core_at: SocketAddr,
    at: SocketAddr,
    root: SigningKey,
    seen: Seen,
    http: reqwest::Client,
}

/// An answer, read whole.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> String {
        let all = self
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        all.collect::<Vec<_>>().join(", ")
    }

    fn is(&self, status: u16, code: &str) -> Result<()> {
        ensure!(
            self.status == status && self.code() == code,
            "{status} {code} is due, and it is {self:?}"
        );
        Ok(())
    }
}

/// Starts a service behind a port, with its own token.
async fn start(
    key: &'static str,
    make: impl Fn() -> Service + Send + Sync + 'static,
    root: &SigningKey,
    pairs: &[(&str, &str)],
) -> Result<(Running, SocketAddr)> {
    let own = [
        ("AMNESIA", "true"),
        ("SYSCALL_AUTH", "required"),
        // Nobody keeps the roster here; nothing listens on port 1.
        ("OPERATOR_INTERNAL_URL", "http://127.0.0.1:1"),
    ];
    let keys = root.public().text();
    let trusted = [("SYSCALL_ROOT_KEYS", keys.as_str())];
    let all = own
        .iter()
        .chain(&trusted)
        .chain(pairs)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables: Variables = all.collect();
    let token = Registry::builtin()
        .mint(key, root, seconds(&Clock::system()))?
        .to_text();
    let bind = Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let host = Host::new(variables)
        .tokens(BTreeMap::from([(key.to_owned(), token)]))
        .mount(make);
    let running = host.start(vec![Door::of_service(key, vec![bind])]).await?;
    let bound = running.bound();
    let [Bound::Tcp(address)] = bound[..] else {
        anyhow::bail!("one TCP address is bound")
    };
    Ok((running, address))
}

impl Fleet {
    /// What counts by address is off unless said: all tests are one.
    async fn start(pairs: &[(&str, &str)]) -> Result<Self> {
        let root = SigningKey::generate()?;
        let off = [
            ("API_RATE", "0"),
            ("KEY_RATE", "0"),
            ("AUTH_RATE", "0"),
            ("PAGE_RATE", "0"),
        ];
        let pairs = [&off[..], pairs].concat();
        let (core, core_at) = start("core", blackroad_os_core::service, &root, &pairs).await?;
        let seen = Seen::default();
        let shared = seen.clone();
        let (web, web_at) = start("web", move || callee(shared.clone()), &root, &pairs).await?;
        let (to_core, to_web) = (format!("http://{core_at}"), format!("http://{web_at}"));
        let found = [
            ("CORE_INTERNAL_URL", to_core.as_str()),
            ("WEB_INTERNAL_URL", to_web.as_str()),
        ];
        let pairs = [&pairs[..], &found[..]].concat();
        let (gateway, at) = start("api", blackroad_os_api::service, &root, &pairs).await?;
        Ok(Fleet {
            core,
            web,
            gateway,
            core_at,
            at,
            root,
            seen,
            http: reqwest::Client::builder().no_proxy().build()?,
        })
    }

    async fn stop(self) {
        for running in [self.gateway, self.web, self.core] {
            running.stop(DrainBudget::none(), "the test is over").await;
        }
    }

    /// A token of the fleet's own.
    fn token(&self, at: &str, rights: &[&str]) -> Result<String> {
        let grant = Grant {
            subject: "owner".to_owned(),
            audience: vec![at.to_owned()],
            rights: Rights::parse(rights)?,
            life: Duration::from_secs(600),
            holder: None,
        };
        Ok(sign_first(&self.root, &grant, seconds(&Clock::system()))?)
    }

    /// Asks core with the owner's token, past the gateway.
    async fn core(&self, method: &str, params: Value) -> Result<Value> {
        let owner = self.token(EVERY_SERVICE, &["admin"])?;
        let url = format!("http://{}/v1/sys/rpc", self.core_at);
        let body = json!({ "method": method, "params": params });
        let request = self.http.post(url).header("host", CORE).bearer_auth(owner).json(&body);
        let answer: Value = request.send().await?.json().await?;
        answer
            .get("result")
            .cloned()
            .with_context(|| format!("{method}: {answer}"))
    }

    /// A user who may do something.
    async fn user(&self, name: &str, rights: &[&str]) -> Result<String> {
        let email = format!("{name}@b.example");
        let user = self.core("createUser", json!({ "email": email, "name": name })).await?;
        let id = user["id"].as_str().context("a user has an id")?.to_owned();
        self.core("putRole", json!({ "name": name, "rights": rights })).await?;
        self.core("assignRole", json!({ "userId": id, "role": name })).await?;
        Ok(id)
    }

    /// A key of a user: its secret and its id.
    async fn key(&self, user: &str, rights: &[&str]) -> Result<(String, String)> {
        let params = json!({ "userId": user, "name": "a program", "rights": rights });
        let made = self.core("createApiKey", params).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
        Ok((text(&made["secret"])?, text(&made["key"]["id"])?))
    }

    /// A key of a user of its own.
    async fn key_with(&self, name: &str, rights: &[&str]) -> Result<String> {
        let user = self.user(name, rights).await?;
        Ok(self.key(&user, rights).await?.0)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// Calls a method through the gateway.
    async fn call(&self, path: &str, shown: Option<&str>, headers: &[(&str, &str)], params: &Value) -> Result<Answer> {
        let mut request = self.http.post(self.url(path)).header("host", GATEWAY).json(params);
        if let Some(shown) = shown {
            request = request.bearer_auth(shown);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await?).await
    }

    /// Asks core for a token in the name of a client, or of nobody.
    async fn asked_for_token(&self, client: Option<(&str, &str)>) -> Result<Answer> {
        let url = format!("http://{}/oauth/token", self.core_at);
        let mut request = self.http.post(url).header("host", CORE);
        if let Some((id, secret)) = client {
            request = request.basic_auth(id, Some(secret));
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        read(request.body("grant_type=client_credentials").send().await?).await
    }

    /// Who the service says that the caller is.
    async fn who(&self, shown: &str) -> Result<Value> {
        let answer = self.call("/v1/web/whoAmI", Some(shown), &[], &json!({})).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(answer.body["result"].clone())
    }
}

async fn read(response: reqwest::Response) -> Result<Answer> {
    Ok(Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: serde_json::from_str(&response.text().await?).unwrap_or_default(),
    })
}
