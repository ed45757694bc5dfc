//! Durable work through our HTTP against bare axum routes: one that takes the same body and does the same through the library, and
//! one that takes it and stores nothing, which is what any server reaches before there is a disk.

use std::sync::Arc;

use axum::extract::State as Axum;
use axum::routing::{post, put};
use axum::{Json, Router};
use syscall_sdk::context::Kernel;
use syscall_sdk::events::Events;
use syscall_sdk::name::Namespace;
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::{CreateJob, EmitRequest, PutState};

use crate::Effort;
use crate::fleet::{Fleet, bare};
use crate::ground::Ground;
use crate::life::{JOB, payload};
use crate::load::{Load, median, run};
use crate::probe::{Probe, request};
use crate::table::{Aim, Cell, Table};

/// Connections at once.
const CONNECTIONS: usize = 64;
/// How far in the future the jobs are due: they are enqueued here, and run elsewhere.
const DELAY: u64 = 3_600_000;

#[derive(Clone)]
struct Bare {
    kernel: Arc<Kernel>,
    state: State,
    events: Events,
}

/// The same work as ours, by a route that does nothing else.
fn storing(kernel: &Arc<Kernel>) -> Router {
    let bare = Bare {
        kernel: Arc::clone(kernel),
        state: State::new(Arc::clone(&kernel.store), Namespace::wire(), kernel.clock.clone()),
        events: kernel.events.clone(),
    };
    let write = |Axum(bare): Axum<Bare>, Json(body): Json<PutState>| async move {
        let value = body.value.expect("a value");
        let entry = bare.state.write(&body.key, value, Condition::Any, None).await;
        Json(serde_json::json!({ "version": entry.expect("the store takes it").version }))
    };
    let enqueue = |Axum(bare): Axum<Bare>, Json(body): Json<CreateJob>| async move {
        drop(bare.kernel.jobs.create(body).await.expect("the store takes it"));
        Json(serde_json::json!({ "created": true }))
    };
    let emit = |Axum(bare): Axum<Bare>, Json(body): Json<EmitRequest>| async move {
        let emitted = bare.events.emit(&body.event, body.data).await;
        Json(emitted.expect("the store takes it"))
    };
    Router::new()
        .route("/v1/sys/state", put(write))
        .route("/v1/sys/job", post(enqueue))
        .route("/v1/sys/event", post(emit))
        .with_state(bare)
}

/// The same bodies, answered and forgotten.
fn forgetting() -> Router {
    async fn forget<T: serde::de::DeserializeOwned>(Json(body): Json<T>) -> Json<serde_json::Value> {
        drop(body);
        Json(serde_json::json!({ "forgotten": true }))
    }
    Router::new()
        .route("/v1/sys/state", put(forget::<PutState>))
        .route("/v1/sys/job", post(forget::<CreateJob>))
        .route("/v1/sys/event", post(forget::<EmitRequest>))
}

pub(crate) async fn measure(ground: &Ground<'_>, table: &mut Table, effort: Effort) {
    let fleet = Fleet::start(ground).await;
    let (storing, _stored) = bare(storing(&fleet.kernel)).await;
    let (forgetting, _forgotten) = bare(forgetting()).await;
    let note = payload(7).text().to_owned();
    let one = Effort { rounds: 1, ..effort };
    for (question, method, path, body) in [
        (
            "12 over HTTP, state put, 64 connections",
            "PUT",
            "/v1/sys/state",
            format!(r#"{{"key":"writer/KEY","value":{note}}}"#),
        ),
        (
            "12 over HTTP, job enqueue, 64 connections",
            "POST",
            "/v1/sys/job",
            format!(r#"{{"name":"{JOB}","params":{note},"delay":{DELAY}}}"#),
        ),
        (
            "12 over HTTP, event emit, 64 connections",
            "POST",
            "/v1/sys/event",
            format!(r#"{{"event":"order:placed","data":{note}}}"#),
        ),
    ] {
        let (mut ratios, mut shown) = (Vec::new(), String::new());
        for _ in 0..effort.rounds {
            let mut came = Vec::new();
            for port in [fleet.port, storing, forgetting] {
                came.push(ask(port, one, method, path, &body).await);
            }
            let [ours, same, nothing] = came.as_slice() else {
                continue;
            };
            ratios.push(ours.rate / same.rate);
            shown = format!(
                "{:.0}/s, p50 {:.2} ms; bare axum that stores the same {:.0}/s, that stores nothing {:.0}/s",
                ours.rate, ours.p50, same.rate, nothing.rate
            );
        }
        let cell = Cell {
            value: median(ratios),
            unit: "× bare axum",
            more: shown,
            aim: Aim::Least(0.9),
        };
        table.cell(question, ground.name(), cell);
    }
    fleet.stop().await;
}

async fn ask(port: u16, effort: Effort, method: &str, path: &str, body: &str) -> Load {
    run(CONNECTIONS, effort, |caller| {
        let request = Arc::new(request(method, path, &body.replace("KEY", &caller.to_string())));
        // A call gives its connection back for the next one.
        let kept = Arc::new(tokio::sync::Mutex::new(None::<Probe>));
        move |_| {
            let (request, kept) = (Arc::clone(&request), Arc::clone(&kept));
            async move {
                let mut kept = kept.lock().await;
                let probe = match kept.take() {
                    Some(probe) => probe,
                    None => Probe::connect(port).await,
                };
                kept.insert(probe).ask(&request).await;
            }
        }
    })
    .await
}
