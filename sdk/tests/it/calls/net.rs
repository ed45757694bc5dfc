//! A network in memory, in time that a test owns: addresses behind names, real HTTP between them, and every fault there is.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use syscall_sdk::clock::Clock;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::metrics::Metrics;
use syscall_sdk::registry::Registry;
use syscall_sdk::resolve::{Answer, Endpoint, Resolver};
use syscall_sdk::rpc::{Client, ClientOptions, Dial, Outside, Stream};
use syscall_sdk::transport::{Body, Handler, Request, Response, Switchboard};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;

/// The name of core in the registry.
pub(crate) const CORE: &str = "blackroad-os-core.railway.internal";

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Connections are refused.
    Refuses,
    /// Connections are never answered.
    BlackHole,
    /// Connections are taken, and nothing is ever said.
    Mute,
    /// Connections end when the question has come.
    Resets,
    /// Half of the answer comes.
    Truncates,
    /// Answers take so much longer.
    Slow(Duration),
    /// Everything is answered with a status and headers.
    Status(u16, Vec<(&'static str, String)>),
}

#[derive(Clone)]
struct Host {
    handler: Handler,
    fault: watch::Sender<Fault>,
    /// Ends its connections.
    life: watch::Sender<u64>,
    dialled: usize,
    /// Questions that reached it, whether or not they were answered.
    asked: Arc<Mutex<Vec<HeaderMap>>>,
}

/// What a name server says of a name.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    Addresses(Vec<SocketAddr>, Duration),
    NoSuchName,
    NoAnswer,
}

#[derive(Default)]
struct State {
    hosts: BTreeMap<SocketAddr, Host>,
    names: BTreeMap<String, Word>,
    resolved: usize,
}

/// The network. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<State>>);

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Net")
    }
}

/// The n-th address.
pub(crate) fn at(n: u16) -> SocketAddr {
    format!("[fd00::{n:x}]:8000").parse().unwrap()
}

impl Net {
    /// A process at an address.
    pub(crate) fn host(&self, address: SocketAddr, handler: Handler) {
        let host = Host {
            handler,
            fault: watch::Sender::new(Fault::None),
            life: watch::Sender::new(0),
            dialled: 0,
            asked: Arc::default(),
        };
        self.state().hosts.insert(address, host);
    }

    /// Replicas of core at these addresses, each answering every call with its own address.
    pub(crate) fn core(&self, addresses: &[SocketAddr]) {
        for address in addresses {
            self.host(*address, echo(*address));
        }
        self.say(CORE, Word::Addresses(addresses.to_vec(), Duration::from_secs(30)));
    }

    /// What is said of a name from now on.
    pub(crate) fn say(&self, name: &str, word: Word) {
        self.state().names.insert(name.to_owned(), word);
    }

    /// What is wrong with an address from now on.
    pub(crate) fn fault(&self, address: SocketAddr, fault: Fault) {
        self.state().hosts[&address].fault.send_replace(fault);
    }

    /// The process at an address ends, its connections with it, and another begins there.
    pub(crate) fn restart(&self, address: SocketAddr) {
        self.state().hosts[&address].life.send_modify(|life| *life += 1);
    }

    /// How many questions reached an address.
    pub(crate) fn asked(&self, address: SocketAddr) -> usize {
        self.headers(address).len()
    }

    /// The headers of the questions that reached an address.
    pub(crate) fn headers(&self, address: SocketAddr) -> Vec<HeaderMap> {
        self.state().hosts[&address].asked.lock().unwrap().clone()
    }

    /// How often an address was dialled.
    pub(crate) fn dialled(&self, address: SocketAddr) -> usize {
        self.state().hosts[&address].dialled
    }

    /// How often a name was resolved.
    pub(crate) fn resolved(&self) -> usize {
        self.state().resolved
    }

    /// A client of this network, as the operator, whose choices come from the seed.
    pub(crate) fn client(&self, seed: u64) -> Client {
        self.client_of("operator", seed)
    }

    /// A client of this network, as a service, whose choices come from the seed.
    pub(crate) fn client_of(&self, service: &str, seed: u64) -> Client {
        self.client_in(Registry::builtin(), service, seed, None)
    }

    /// A client of this network, as a service of a registry of the test's own.
    pub(crate) fn client_in(&self, registry: Registry, service: &str, seed: u64, outside: Option<Outside>) -> Client {
        let record = registry.get(service).unwrap().clone();
        Client::new(ClientOptions {
            name: record.name,
            role: record.role,
            minter: None,
            registry,
            resolver: Arc::new(self.clone()),
            dial: Arc::new(self.clone()),
            switchboard: Switchboard::default(),
            outside,
            metrics: Metrics::new(Clock::system()),
            scope: Scope::new("calls", tracing::Span::none()),
            seed: Some(seed),
        })
        .unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// Answers every call with an address.
pub(crate) fn echo(address: SocketAddr) -> Handler {
    Handler::new(move |_| Box::pin(async move { result(&serde_json::json!(address.to_string())) }))
}

/// The answer of a method.
pub(crate) fn result(value: &serde_json::Value) -> Response {
    http::Response::builder()
        .header("content-type", "application/json")
        .body(Body::from(serde_json::json!({ "result": value }).to_string()))
        .unwrap()
}

impl Resolver for Net {
    fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> BoxFuture<'a, Result<Answer>> {
        let word = {
            let mut state = self.state();
            state.resolved += 1;
            state.names.get(host).cloned().unwrap_or(Word::NoSuchName)
        };
        Box::pin(async move {
            // Nobody answers before they were asked.
            tokio::time::sleep(Duration::from_millis(1)).await;
            match word {
                Word::Addresses(addresses, ttl) => {
                    let mut endpoints: Vec<_> = addresses.into_iter().map(Endpoint::Tcp).collect();
                    endpoints.sort();
                    endpoints.dedup();
                    Ok(Answer {
                        endpoints,
                        ttl,
                        refused: 0,
                    })
                }
                Word::NoSuchName => Ok(Answer {
                    endpoints: Vec::new(),
                    ttl: Duration::from_secs(1),
                    refused: 0,
                }),
                Word::NoAnswer => Err(Error::unavailable("the name servers gave no answer").with_code("DNS_FAILED")),
            }
        })
    }

    fn source(&self) -> &'static str {
        "memory"
    }
}

impl Dial for Net {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let Endpoint::Tcp(address) = endpoint else {
                panic!("this network has no paths");
            };
            let host = {
                let mut state = self.state();
                state.hosts.get_mut(address).map(|host| {
                    host.dialled += 1;
                    host.clone()
                })
            };
            let Some(host) = host else {
                // An address that nobody has: the network drops what goes there.
                return std::future::pending().await;
            };
            let fault = host.fault.borrow().clone();
            match fault {
                Fault::Refuses => return Err(io::ErrorKind::ConnectionRefused.into()),
                Fault::BlackHole => return std::future::pending().await,
                _ => {}
            }
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(serve(host, theirs));
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }
}

/// One connection: until its process ends, or what is wrong with it says so.
async fn serve(host: Host, stream: DuplexStream) {
    let mut life = host.life.subscribe();
    let truncates = *host.fault.borrow() == Fault::Truncates;
    let connection = async {
        if truncates {
            return truncate(&host, stream).await;
        }
        let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
            let host = host.clone();
            async move {
                answer(host, request.map(Body::new))
                    .await
                    .ok_or(io::Error::other("reset"))
            }
        });
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    };
    tokio::select! {
        biased;
        () = connection => {}
        _ = life.changed() => {}
    }
}

async fn answer(host: Host, request: Request) -> Option<Response> {
    host.asked.lock().unwrap().push(request.headers().clone());
    let fault = host.fault.borrow().clone();
    match fault {
        Fault::Mute | Fault::BlackHole => std::future::pending().await,
        Fault::Resets | Fault::Refuses | Fault::Truncates => None,
        Fault::Slow(more) => {
            tokio::time::sleep(more).await;
            Some(host.handler.answer(request).await)
        }
        Fault::Status(status, headers) => {
            let mut response = Response::new(Body::from("{}"));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            Some(response)
        }
        Fault::None => Some(host.handler.answer(request).await),
    }
}

async fn truncate(host: &Host, mut stream: DuplexStream) {
    let mut some = [0; 4_096];
    let _ = stream.read(&mut some).await;
    host.asked.lock().unwrap().push(HeaderMap::new());
    let _ = stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"result\":")
        .await;
}
