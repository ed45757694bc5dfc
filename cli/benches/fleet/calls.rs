//! RPC over loopback through the whole kernel, against axum and reqwest doing the same; and RPC within the process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use syscall_sdk::config::Variables;
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method;
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};
use utoipa::ToSchema;

use crate::load::{AsyncCall, Load, run};
use crate::table::{Table, median};

/// About 130 bytes of JSON, the message of the contract's research.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
struct Message {
    id: u64,
    name: String,
    tags: Vec<String>,
}

const ECHO: Method<Message, Message> = Method::new("core", "echo", "Gives back what it is given.").idempotent();

fn message() -> Message {
    Message {
        id: 7,
        name: "Ada Lovelace, countess".to_owned(),
        tags: vec!["first".to_owned(), "second".to_owned(), "third".to_owned()],
    }
}

fn core() -> Service {
    Service::new("core", "1").method(ECHO, |_: Context, message: Message| async move { Ok(message) })
}

fn variables(more: &[(&str, String)]) -> Variables {
    let mut variables = Variables::from([("AMNESIA".to_owned(), "true".to_owned())]);
    variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    variables
}

pub(crate) fn loopback() -> Vec<Bind> {
    vec![Bind::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))]
}

pub(crate) fn port(running: &Running) -> u16 {
    match running.bound().first() {
        Some(Bound::Tcp(address)) => address.port(),
        _ => panic!("the host listens on TCP"),
    }
}

struct Kernel(Context);

impl AsyncCall for Kernel {
    async fn call(&mut self) {
        self.0.call(&ECHO, message()).await.expect("the callee answers");
    }
}

struct Bare {
    http: reqwest::Client,
    url: Arc<str>,
}

impl AsyncCall for Bare {
    async fn call(&mut self) {
        let answer = self
            .http
            .post(&*self.url)
            .json(&message())
            .send()
            .await
            .expect("the server answers");
        let _: Message = answer.json().await.expect("an echo");
    }
}

pub(crate) async fn measure(table: &mut Table, rounds: usize, quick: bool) {
    let lasts = Duration::from_millis(if quick { 100 } else { 2_000 });
    let callee = Host::new(variables(&[]))
        .mount(core)
        .start(vec![Door::of_service("core", loopback())])
        .await
        .expect("the callee boots");
    let internal = format!("http://127.0.0.1:{}", port(&callee));
    let caller = Host::new(variables(&[("CORE_INTERNAL_URL", internal)]))
        .mount(|| Service::new("api", "1"))
        .start(Vec::new())
        .await
        .expect("the caller boots");
    let context = Context::new(caller.kernel("api").expect("the caller runs"));

    let bare = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url: Arc<str> = format!("http://{}/echo", bare.local_addr().expect("bound")).into();
    let echo = |axum::Json(message): axum::Json<Message>| async move { axum::Json(message) };
    let bare_server = tokio::task::JoinSet::from_iter([axum::serve(
        bare,
        axum::Router::new().route("/echo", axum::routing::post(echo)),
    )
    .into_future()]);
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");

    for (connections, what) in [
        (1, "RPC over loopback, one caller"),
        (64, "RPC over loopback, 64 callers"),
    ] {
        let mut rates = Vec::new();
        let mut medians = Vec::new();
        let (mut ours, mut theirs): (Option<Load>, Option<Load>) = (None, None);
        for _ in 0..rounds {
            let kernel = run(connections, lasts, |_| async { Kernel(context.clone()) }).await;
            let bare = run(connections, lasts, |_| async {
                Bare {
                    http: http.clone(),
                    url: Arc::clone(&url),
                }
            })
            .await;
            rates.push(kernel.rate / bare.rate);
            medians.push(kernel.p50 / bare.p50);
            (ours, theirs) = (Some(kernel), Some(bare));
        }
        let (ours, theirs) = (ours.expect("one round"), theirs.expect("one round"));
        let shown = format!(
            "{:.0}/s, p50 {:.0} µs, p99 {:.0} µs; axum + reqwest {:.0}/s, p50 {:.0} µs, p99 {:.0} µs",
            ours.rate, ours.p50, ours.p99, theirs.rate, theirs.p50, theirs.p99
        );
        if connections == 1 {
            let ratio = median(medians);
            table.row(what, format!("{ratio:.2} × its p50 ({shown})"), "≤ 1.3", ratio <= 1.3);
        } else {
            let ratio = median(rates);
            table.row(
                what,
                format!("{ratio:.2} × its throughput ({shown})"),
                "≥ 0.8",
                ratio >= 0.8,
            );
        }
    }
    drop(bare_server);
    drop(context);
    caller.stop(DrainBudget::none(), "bench").await;
    callee.stop(DrainBudget::none(), "bench").await;
    in_process(table, lasts).await;
}

async fn in_process(table: &mut Table, lasts: Duration) {
    let both = Host::new(variables(&[]))
        .mount(core)
        .mount(|| Service::new("api", "1"))
        .start(Vec::new())
        .await
        .expect("both boot");
    let context = Context::new(both.kernel("api").expect("the caller runs"));
    let load = run(1, lasts, |_| async { Kernel(context.clone()) }).await;
    table.row(
        "RPC within the process",
        format!("p50 {:.1} µs, p99 {:.1} µs, {:.0}/s", load.p50, load.p99, load.rate),
        "p50 < 5 µs",
        load.p50 < 5.0,
    );
    drop(context);
    both.stop(DrainBudget::none(), "bench").await;
}
