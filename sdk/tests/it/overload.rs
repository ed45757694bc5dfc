//! Past what a service takes at once: who is turned away, how, and who is not.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use syscall_sdk::admission::{STREAMS_MAX, WAITS_MAX};
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method as Rpc;
use syscall_sdk::policy::IN_FLIGHT_MAX;
use syscall_sdk::service::Service;
use tokio::sync::{Semaphore, mpsc};

use crate::sockets::{ask, on_tcp, send};
use crate::support::{self, Fixture};

const HOLD: Rpc<(), ()> = Rpc::new("core", "hold", "Answers when the test lets it.");
const KNOCK: Rpc<(), ()> = Rpc::new("core", "knock", "Answers, however busy the service is.").control();
/// What work may take of the limit; the rest is kept for control.
const FOR_WORK: usize = IN_FLIGHT_MAX - IN_FLIGHT_MAX / 16;
/// Of them, held by calls of the same process, which need no connection.
const INSIDE: usize = FOR_WORK - 40;
const SOON: Duration = Duration::from_secs(20);

fn call(method: &str) -> String {
    json!({ "method": method, "params": null, "timeout": 30_000 }).to_string()
}

#[tokio::test]
async fn a_service_at_five_times_its_load_answers_health_and_control_while_all_its_work_waits() {
    let gate = Arc::new(Semaphore::new(0));
    let (tell, mut begun) = mpsc::unbounded_channel();
    let opens = Arc::clone(&gate);
    let (running, address) = on_tcp(move || {
        let (gate, tell) = (Arc::clone(&opens), tell.clone());
        Service::new("core", "1")
            .method(HOLD, move |_: Context, (): ()| {
                let gate = Arc::clone(&gate);
                tell.send(()).unwrap();
                async move {
                    // It is closed, and never has a place to give.
                    let _ = gate.acquire().await;
                    Ok(())
                }
            })
            .method(KNOCK, |_: Context, (): ()| async { Ok(()) })
    })
    .await;
    let handler = running.handler("core").unwrap();

    let hold = call("hold");
    let inside = (0..INSIDE).map(|_| support::ask(&handler, Method::POST, "/v1/sys/rpc", &[], hold.clone()));
    let outside = async {
        let mut held = Vec::new();
        for _ in INSIDE..FOR_WORK {
            held.push(send(address, "POST", "/v1/sys/rpc", &[], &hold).await);
        }
        for _ in 0..FOR_WORK {
            begun.recv().await;
        }
        // Nothing is let go before the end: whatever is answered now is answered before all of the work.
        for _ in 0..4 * IN_FLIGHT_MAX {
            let refused = ask(address, "POST", "/v1/sys/rpc", &hold).await;
            assert_eq!(
                (refused.status, &refused.body["error"]["code"]),
                (503, &json!("OVERLOADED"))
            );
            for header in [
                "\r\nretry-after: 1",
                "\r\nx-syscall-unprocessed: 1",
                "\r\nx-syscall-origin: kernel",
            ] {
                assert!(refused.head.contains(header), "{}", refused.head);
            }
        }
        for path in [
            "/health",
            "/healthz",
            "/readyz",
            "/v1/sys/identity",
            "/v1/sys/health",
            "/metrics",
            "/v1/sys/metrics",
        ] {
            assert_eq!(ask(address, "GET", path, "").await.status, 200, "{path}");
        }
        assert_eq!(ask(address, "POST", "/v1/sys/rpc", &call("knock")).await.status, 200);
        assert_eq!(ask(address, "POST", "/v1/sys/job/none/cancel", "").await.status, 404);
        assert_eq!(
            ask(address, "POST", "/v1/sys/state", r#"{"key":"a","value":1}"#)
                .await
                .status,
            503
        );
        assert!(begun.try_recv().is_err(), "of what was refused nothing was begun");
        gate.close();
        join_all(held.into_iter().map(|sent| sent.answer())).await
    };
    let both = async { tokio::join!(join_all(inside), outside) };
    let (inside, outside) = tokio::time::timeout(SOON * 3, both).await.unwrap();
    assert!(inside.iter().all(|answer| answer.status == 200) && inside.len() == INSIDE);
    assert!(outside.iter().all(|answer| answer.status == 200) && outside.len() == FOR_WORK - INSIDE);

    let figures = support::ask(&handler, Method::GET, "/metrics", &[], "").await.text;
    assert!(
        figures.contains("\nhttp_requests_in_flight 0\n") && figures.contains("\nhttp_requests_limit 512\n"),
        "{figures}"
    );
    running.stop(syscall_sdk::host::DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn who_waits_and_who_reads_a_stream_take_no_place_of_who_works() {
    let fixture = Fixture::start().await;
    let job = fixture.post("/v1/sys/job", &json!({ "name": "stubborn" })).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let wait = format!("/v1/sys/job/{job}?wait=30000");
    let admission = fixture.running.kernel("core").unwrap().admission.clone();
    let waiting = join_all((0..WAITS_MAX).map(|_| fixture.get(&wait)));
    let beside = async {
        while admission.waits() < WAITS_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(admission.in_flight(), 0);
        let refused = fixture.get(&wait).await;
        assert_eq!(
            (
                refused.status.as_u16(),
                refused.headers["x-syscall-unprocessed"].as_bytes()
            ),
            (503, &b"1"[..])
        );
        assert_eq!(
            fixture.get(&format!("/v1/sys/job/{job}")).await.status,
            200,
            "to look is not to wait"
        );

        let mut streams = Vec::new();
        for _ in 0..STREAMS_MAX {
            streams.push(fixture.stream("/v1/sys/state/watch", &[]).await);
        }
        assert_eq!((admission.streams(), admission.in_flight()), (STREAMS_MAX, 0));
        assert_eq!(fixture.get("/v1/sys/state/watch").await.status, 503);
        drop(streams);
        assert_eq!(admission.streams(), 0);
        let cancelled = fixture.post(&format!("/v1/sys/job/{job}/cancel"), &json!({})).await;
        assert_eq!(cancelled.status, 200);
    };
    let (waited, ()) = tokio::time::timeout(SOON, async { tokio::join!(waiting, beside) })
        .await
        .unwrap();
    assert!(waited.iter().all(|answer| answer.body["status"] == "cancelled"));
    fixture.stop().await;
}

#[tokio::test]
async fn an_answer_given_before_any_work_says_so_and_a_failed_one_does_not() {
    let fixture = Fixture::start().await;
    let call = json!({ "method": "count" }).to_string();
    let misdirected = fixture
        .send(
            Method::POST,
            "/v1/sys/rpc",
            &[("host", "blackroad-os-api.railway.internal")],
            call,
        )
        .await;
    assert_eq!(
        (
            misdirected.status.as_u16(),
            misdirected.headers["x-syscall-unprocessed"].as_bytes()
        ),
        (421, &b"1"[..])
    );
    let failed = fixture.rpc("refuse", json!({ "text": "unavailable" })).await;
    assert_eq!(failed.status, 500);
    assert!(!failed.headers.contains_key("x-syscall-unprocessed"));
    let late = fixture
        .post("/v1/sys/rpc", &json!({ "method": "hang", "timeout": 5 }))
        .await;
    assert_eq!(late.status, 504);
    assert!(!late.headers.contains_key("x-syscall-unprocessed"));
    fixture.stop().await;
}
