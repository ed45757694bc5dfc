//! Those who watch a page that is open to all: what each costs, and what is left to the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use syscall_sdk::admission::{STREAMS_MAX, STREAMS_OPEN_MAX};
use syscall_sdk::context::Context;
use syscall_sdk::contract::mesh;
use syscall_sdk::host::{DrainBudget, Host};
use syscall_sdk::rpc::header::CLIENT;
use syscall_sdk::service::Service;
use syscall_sdk::wire::{ListMesh, Mesh};

use crate::support::{self, Fixture, ask, variables};

const LIVE: &str = "/_pages/live";

#[tokio::test(start_paused = true)]
async fn the_roster_is_asked_once_for_all_who_watch_and_not_at_all_where_nobody_does() {
    let asked = Arc::<AtomicU32>::default();
    let counted = Arc::clone(&asked);
    let host = Host::new(variables(&[]))
        .mount(|| Service::new("core", "1"))
        .mount(move || {
            let counted = Arc::clone(&counted);
            Service::new("operator", "1").method(mesh::LIST, move |_: Context, _: ListMesh| {
                counted.fetch_add(1, Ordering::SeqCst);
                async { Ok(Mesh { services: Vec::new() }) }
            })
        });
    let running = host.start(Vec::new()).await.unwrap();
    let core = running.handler("core").unwrap();

    let viewers = (0..256).map(|_| core.answer(support::request(Method::GET, LIVE, &[], Default::default())));
    let watching = join_all(viewers).await.into_iter().map(|answer| async move {
        let mut body = answer.into_body();
        while http_body_util::BodyExt::frame(&mut body).await.is_some() {}
    });
    let watched = tokio::time::timeout(Duration::from_secs(8), join_all(watching)).await;
    assert!(watched.is_err(), "they are shown the fleet for longer than that");
    assert_eq!(
        asked.load(Ordering::SeqCst),
        2,
        "once when they came, and once five seconds later"
    );

    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn strangers_cannot_use_up_the_streams_of_who_may_read_more() {
    let fixture = Fixture::start().await;
    let at = |n: usize| format!("198.18.{}.{}", n / 250, n % 250);
    let mut open = Vec::new();
    for n in 0..STREAMS_OPEN_MAX {
        open.push(fixture.stream(LIVE, &[(CLIENT, &at(n))]).await);
    }
    let next = at(STREAMS_OPEN_MAX);
    let refused = ask(&fixture.handler, Method::GET, LIVE, &[(CLIENT, &next)], "").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]["code"]),
        (503, &"OVERLOADED".into())
    );
    for n in STREAMS_OPEN_MAX..STREAMS_MAX {
        open.push(fixture.stream("/v1/sys/state/watch", &[(CLIENT, &at(n))]).await);
    }
    let admission = fixture.running.kernel("core").unwrap().admission.clone();
    assert_eq!(admission.streams(), STREAMS_MAX);
    drop(open);
    assert_eq!(admission.streams(), 0);
    fixture.stream(LIVE, &[(CLIENT, &next)]).await;
    fixture.stop().await;
}
