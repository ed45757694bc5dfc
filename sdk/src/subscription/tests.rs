//! Subscriptions over two stores and a call between them, in virtual time: every life, death and repeat is the same in each run.

mod crashes;
mod groups;
mod pushes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use http_body_util::BodyExt;

use super::{Arrival, Declared, EventHandler, Subscriptions};
use crate::clock::Clock;
use crate::contract::delivery;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::lifecycle::Scope;
use crate::metrics::Metrics;
use crate::policy::Backoff;
use crate::registry::Registry;
use crate::resolve::Table;
use crate::rpc::{Client, ClientOptions, Sockets};
use crate::store::fault::Fault;
use crate::store::memory::Memory;
use crate::store::{Batch, Condition, Emit, Op, Put, Store};
use crate::transport::{Body, Handler, Response, Switchboard};
use crate::wire::{Deliver, Json, Renew, RpcRequest, Subscribe};

const EFFECTS: &str = "effects";
const TOPIC: &str = "user:created";

/// What lasts: two stores, one clock, and how often anybody called anybody.
struct World {
    clock: Clock,
    switchboard: Switchboard,
    core: Arc<Memory>,
    api: Arc<Memory>,
    calls: Arc<AtomicU64>,
}

/// One life of one service.
struct Life {
    subscriptions: Subscriptions,
    fault: Arc<Fault>,
    metrics: Metrics,
    scope: Scope,
}

impl World {
    fn new() -> Self {
        let clock = Clock::following_tokio(DateTime::UNIX_EPOCH);
        let memory = || Arc::new(Memory::new(clock.clone()));
        World {
            switchboard: Switchboard::default(),
            core: memory(),
            api: memory(),
            calls: Arc::default(),
            clock,
        }
    }

    /// Core: it emits.
    async fn core(&self) -> Life {
        self.live("core", &self.core, Vec::new(), None).await
    }

    /// Api: it subscribes to core.
    async fn api(&self, handler: EventHandler) -> Life {
        self.live("api", &self.api, vec![declared("core", handler)], None).await
    }

    /// Begins a life; one that dies after so many commits where told.
    async fn live(&self, key: &str, store: &Arc<Memory>, declared: Vec<Declared>, dies_after: Option<u64>) -> Life {
        let fault = Arc::new(Fault::new(Arc::clone(store) as Arc<dyn Store>));
        if let Some(commits) = dies_after {
            fault.die_after(commits);
        }
        let store: Arc<dyn Store> = Arc::clone(&fault) as Arc<dyn Store>;
        let scope = Scope::new(key, tracing::Span::none());
        let metrics = Metrics::new(self.clock.clone());
        let registry = Registry::builtin();
        let record = registry.get(key).expect("it is registered").clone();
        let events = Events::new(Arc::clone(&store), self.clock.clone(), record.name.as_str());
        let rpc = Client::new(ClientOptions {
            name: record.name.clone(),
            role: record.role,
            minter: None,
            registry: registry.clone(),
            resolver: Arc::new(Table::default()),
            dial: Arc::new(Sockets::default()),
            switchboard: self.switchboard.clone(),
            outside: None,
            metrics: Metrics::new(self.clock.clone()),
            seed: None,
            scope: scope.clone(),
        })
        .expect("its names are plain");
        let subscriptions = Subscriptions::new(key, &store, &events, &metrics, &rpc, declared);
        self.switchboard.mount(key, served(&subscriptions, &self.calls));
        let begins = subscriptions.begins_now().await.unwrap_or(false);
        scope.spawn_background("push", subscriptions.outbox.clone().run(scope.clone()));
        for source in subscriptions.inbox.sources() {
            let (subscriptions, rpc, key) = (subscriptions.clone(), rpc.clone(), key.to_owned());
            scope.spawn_background("subscribe", async move {
                subscriptions.keep_registered(&key, &rpc, &source).await;
            });
        }
        if begins {
            let (subscriptions, key) = (subscriptions.clone(), key.to_owned());
            scope.spawn_background("tell", async move {
                subscriptions.tell_of_a_new_log(&key, &registry, &rpc).await;
            });
        }
        settle().await;
        Life {
            subscriptions,
            fault,
            metrics,
            scope,
        }
    }

    /// An event of core's, on disk.
    async fn emit(&self, data: &str) {
        emit(&self.core, &self.clock, TOPIC, data).await;
    }

    /// How often each event had its effect, by its data.
    async fn effects(&self, store: &Arc<Memory>) -> Vec<(String, u64)> {
        let scan = crate::store::Scan {
            namespace: EFFECTS.to_owned(),
            prefix: crate::name::Prefix::all(),
            after: None,
            limit: 100,
        };
        let entries = store.scan(scan).await.expect("it reads");
        let shown = entries.into_iter();
        shown
            .map(|entry| (entry.key, entry.value.to().expect("a number")))
            .collect()
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Life {
    /// Ends at once, whatever runs.
    async fn die(self) {
        self.scope.stop(Duration::ZERO).await;
    }
}

/// Lets everything that can happen by itself happen: an hour in which nothing else does.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

async fn emit(store: &Arc<Memory>, clock: &Clock, topic: &str, data: &str) {
    let emit = Emit {
        id: crate::name::new_id(),
        topic: topic.to_owned(),
        data: Some(Json::of(data).expect("a text")),
        trace: None,
    };
    store
        .commit(Batch::new(clock.now()).with(emit))
        .await
        .expect("it commits");
}

fn declared(source: &str, handler: EventHandler) -> Declared {
    Declared {
        source: source.to_owned(),
        event: TOPIC.to_owned(),
        from_start: false,
        max_attempts: 3,
        backoff: Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60)),
        handler,
    }
}

/// A handler that counts each event in the store of its service, in one commit with the event's place; it fails on `bad`.
fn counting(store: &Arc<Memory>, clock: &Clock) -> EventHandler {
    counting_through(Arc::clone(store) as Arc<dyn Store>, clock)
}

fn counting_through(store: Arc<dyn Store>, clock: &Clock) -> EventHandler {
    let clock = clock.clone();
    Arc::new(move |arrival: Arrival| {
        let (store, clock) = (Arc::clone(&store), clock.clone());
        Box::pin(async move {
            let text: String = arrival
                .event
                .data
                .as_ref()
                .and_then(|data| data.to().ok())
                .unwrap_or_default();
            if text == "bad" {
                return Err(Error::unavailable("it is bad"));
            }
            let now = store.get(EFFECTS, &text).await?;
            let count: u64 = now.and_then(|entry| entry.value.to().ok()).unwrap_or(0);
            let mut ops = vec![Op::Put(Put {
                namespace: EFFECTS.to_owned(),
                key: text,
                value: Json::of(&(count + 1)).map_err(|_| Error::internal("a number"))?,
                condition: Condition::Any,
                expires_at: None,
            })];
            ops.extend_from_slice(arrival.advance.ops());
            let outcomes = store.commit(Batch { at: clock.now(), ops }).await?;
            arrival.advance.committed(&outcomes[1..]);
            Ok(())
        })
    })
}

/// What a service's door does with the kernel's methods.
fn served(subscriptions: &Subscriptions, calls: &Arc<AtomicU64>) -> Handler {
    let (subscriptions, calls) = (subscriptions.clone(), Arc::clone(calls));
    Handler::new(move |request| {
        let (subscriptions, calls) = (subscriptions.clone(), Arc::clone(&calls));
        Box::pin(async move {
            calls.fetch_add(1, Ordering::SeqCst);
            let bytes = request.into_body().collect().await.expect("a body").to_bytes();
            let call: RpcRequest = serde_json::from_slice(&bytes).expect("a call");
            let (status, body) = match answer(&subscriptions, &call).await {
                Ok(result) => (200, format!("{{\"result\":{}}}", result.text())),
                Err(error) => (
                    503,
                    serde_json::json!({ "error": { "code": error.code(), "message": error.message() } }).to_string(),
                ),
            };
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            response
        })
    })
}

async fn answer(subscriptions: &Subscriptions, call: &RpcRequest) -> Result<Json> {
    let params = call.params.as_ref().expect("params");
    let json = |error: serde_json::Error| Error::internal(error.to_string());
    match call.method.as_str() {
        delivery::DELIVER => {
            let deliver: Deliver = params.to().map_err(json)?;
            Json::of(&subscriptions.inbox.deliver(deliver).await?).map_err(json)
        }
        delivery::SUBSCRIBE => {
            let subscribe: Subscribe = params.to().map_err(json)?;
            Json::of(&subscriptions.outbox.subscribe(subscribe).await?).map_err(json)
        }
        _ => {
            let renew: Renew = params.to().map_err(json)?;
            Json::of(&subscriptions.inbox.renew(&renew.source)).map_err(json)
        }
    }
}
