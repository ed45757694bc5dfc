//! Ours: a host that serves, and a client with everything on that calls it.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use syscall_sdk::auth::Minter;
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Variables;
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method;
use syscall_sdk::host::{Door, Host, Running};
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::metrics::Metrics;
use syscall_sdk::registry::Registry;
use syscall_sdk::resolve::{Endpoint, Table};
use syscall_sdk::rpc::{CallOptions, Client, ClientOptions, Sockets};
use syscall_sdk::service::Service;
use syscall_sdk::telemetry::root_span;
use syscall_sdk::transport::{Bind, Bound, Switchboard};
use tracing::{Instrument, Span};
use utoipa::ToSchema;

use crate::drive::{AsyncCall, serve_until_closed};

/// About 100 bytes of JSON.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Message {
    id: u64,
    name: String,
    tags: Vec<String>,
}

const ECHO: Method<Message, Message> = Method::new("core", "echo", "Gives back what it is given.").idempotent();

pub(crate) fn message() -> Message {
    Message {
        id: 7,
        name: "Ada Lovelace, countess".to_owned(),
        tags: vec!["first".to_owned(), "second".to_owned(), "third".to_owned()],
    }
}

fn core() -> Service {
    Service::new("core", "1").method(ECHO, |_: Context, message: Message| async move { Ok(message) })
}

fn host(told: &[(&str, String)]) -> Host {
    let told = told.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Host::new(Variables::from_iter(
        told.chain([("AMNESIA".to_owned(), "true".to_owned())]),
    ))
}

/// Serves at two ports and two sockets: the client asks one address for no more than 256 calls at once, and half a thousand are measured.
pub(crate) async fn serve(told: &[(&str, String)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let sockets = ["one", "two"].map(|name| Bind::Unix(folder.path().join(name)));
    let ports = [0, 0].map(|port| Bind::Tcp(([127, 0, 0, 1], port).into()));
    let binds = ports.into_iter().chain(sockets).collect();
    let running = host(told)
        .mount(core)
        .start(vec![Door::of_service("core", binds)])
        .await
        .expect("the callee boots");
    let addresses = running.bound().into_iter().map(|bound| match bound {
        Bound::Tcp(address) => address.to_string(),
        Bound::Unix(path) => path.display().to_string(),
    });
    serve_until_closed(&addresses.collect::<Vec<_>>());
}

/// Which of a server's addresses are called.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum By {
    Tcp,
    Unix,
}

/// A client that knows where core is.
pub(crate) struct Network {
    client: Client,
    /// Whose the calls are: what is not made under a service's span is in no trace and recorded nowhere.
    span: Span,
    _caller: Running,
}

impl Network {
    pub(crate) async fn of(addresses: &[String], by: By, minter: Option<Minter>) -> Self {
        let caller = host(&[])
            .mount(|| Service::new("api", "1"))
            .start(Vec::new())
            .await
            .expect("the caller boots");
        let registry = Registry::builtin();
        let api = registry.get("api").expect("it is registered").clone();
        let core = registry.get("core").expect("it is registered");
        let host = format!("{}.railway.internal", core.name);
        let endpoints = addresses.iter().filter_map(|address| match (address.parse(), by) {
            (Ok(address), By::Tcp) => Some(Endpoint::Tcp(address)),
            (Err(_), By::Unix) => Some(Endpoint::Unix(PathBuf::from(address))),
            _ => None,
        });
        let table = endpoints.fold(Table::default(), |table, endpoint| table.with(host.clone(), endpoint));
        let client = Client::new(ClientOptions {
            name: api.name,
            role: api.role,
            minter,
            registry,
            resolver: Arc::new(table),
            dial: Arc::new(Sockets::default()),
            switchboard: Switchboard::default(),
            outside: None,
            metrics: Metrics::new(Clock::system()),
            scope: Scope::new("calls", tracing::Span::none()),
            seed: None,
        })
        .expect("a client");
        Network {
            client,
            span: span(&caller),
            _caller: caller,
        }
    }

    pub(crate) fn caller(&self) -> impl AsyncCall + use<> {
        Caller(self.client.clone(), self.span.clone())
    }
}

fn span(caller: &Running) -> Span {
    root_span(&caller.kernel("api").expect("the caller runs").recorder)
}

struct Caller(Client, Span);

impl AsyncCall for Caller {
    async fn call(&mut self) -> Result<(), String> {
        let message = message();
        let call = self.0.call(&ECHO, &message, CallOptions::default());
        call.instrument(self.1.clone())
            .await
            .map_or_else(|error| Err(error.chain()), |_| Ok(()))
    }
}

/// Caller and callee in one process.
pub(crate) struct Process(Running);

impl Process {
    pub(crate) async fn start() -> Self {
        let both = host(&[]).mount(core).mount(|| Service::new("api", "1"));
        Process(both.start(Vec::new()).await.expect("both boot"))
    }

    pub(crate) fn caller(&self) -> impl AsyncCall + use<> {
        let kernel = self.0.kernel("api").expect("the caller runs");
        Inside(Context::new(kernel), span(&self.0))
    }
}

struct Inside(Context, Span);

impl AsyncCall for Inside {
    async fn call(&mut self) -> Result<(), String> {
        let call = self.0.call(&ECHO, message()).instrument(self.1.clone());
        call.await.map_or_else(|error| Err(error.chain()), |_| Ok(()))
    }
}
