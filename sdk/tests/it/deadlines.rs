//! The caller's time: believed within bounds, passed on with something taken off, and the end of the work when it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method as Rpc;
use syscall_sdk::host::DrainBudget;
use syscall_sdk::policy::{HOP_MARGIN, HOPS_MAX};
use syscall_sdk::service::Service;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::sockets::{ask, on_tcp, on_unix, send};
use crate::support;

const LEFT: Rpc<(), u64> = Rpc::new("core", "left", "How many milliseconds are left.");
const HANG: Rpc<(), ()> = Rpc::new("core", "hang", "Never ends.");
const RELAY: Rpc<(), Vec<u64>> = Rpc::new("api", "relay", "What is left here, and what is left of it there.");
const TO_API: Rpc<(), ()> = Rpc::new("core", "toApi", "Calls api.");
const TO_CORE: Rpc<(), ()> = Rpc::new("api", "toCore", "Calls core.");
const SOON: Duration = Duration::from_secs(20);

fn left(context: &Context) -> u64 {
    let deadline = context.request().deadline.expect("a call has a deadline");
    deadline.saturating_duration_since(Instant::now()).as_millis() as u64
}

fn core() -> Service {
    Service::new("core", "1")
        .method(LEFT, |context: Context, (): ()| async move { Ok(left(&context)) })
        .method(HANG, |_: Context, (): ()| std::future::pending())
}

#[tokio::test]
async fn what_a_caller_says_of_its_time_is_believed_within_bounds() {
    let (running, address) = on_tcp(core).await;
    let handler = running.handler("core").unwrap();
    for (header, body, most) in [
        (None, None, 10_000),
        (None, Some(86_400_000_u64), 30_000),
        (Some("86400000"), Some(86_400_000), 30_000),
        (Some("18446744073709551615"), Some(u64::MAX), 30_000),
        (Some("2000"), None, 2_000),
        (Some("2000"), Some(20_000), 2_000),
        (Some("20000"), Some(3_000), 3_000),
        (Some("soon"), None, 10_000),
        (Some("-1"), None, 10_000),
        (Some("99999999999999999999999"), None, 10_000),
    ] {
        let call = json!({ "method": "left", "params": null, "timeout": body }).to_string();
        let call = call.replace(",\"timeout\":null", "");
        let headers: Vec<_> = header.into_iter().map(|value| ("connect-timeout-ms", value)).collect();
        let answer = support::ask(&handler, Method::POST, "/v1/sys/rpc", &headers, call).await;
        let left = answer.body["result"]
            .as_u64()
            .unwrap_or_else(|| panic!("{header:?} {body:?}: {}", answer.text));
        assert!((most - 1_000..=most).contains(&left), "{header:?} {body:?}: {left}");
    }
    // The shortest there is ends what would never end, over the wire as well.
    for header in ["0", "1"] {
        let call = json!({ "method": "hang", "params": null }).to_string();
        let sent = send(address, "POST", "/v1/sys/rpc", &[("connect-timeout-ms", header)], &call).await;
        let answer = tokio::time::timeout(SOON, sent.answer()).await.unwrap();
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (504, &json!("DEADLINE_EXCEEDED"))
        );
    }
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_call_within_a_call_has_what_is_left_and_a_margin_less() {
    let directory = tempfile::tempdir().unwrap();
    let core = on_unix(directory.path(), core).await;
    let api = on_unix(directory.path(), || {
        Service::new("api", "1").method(RELAY, |context: Context, (): ()| async move {
            let here = left(&context);
            Ok(vec![here, context.call(&LEFT, ()).await?])
        })
    })
    .await;
    let handler = api.handler("api").unwrap();
    let call = json!({ "method": "relay", "params": null, "timeout": 4_000 }).to_string();
    let answer = support::ask(&handler, Method::POST, "/v1/sys/rpc", &[], call).await;
    let result: [u64; 2] = serde_json::from_value(answer.body["result"].clone()).unwrap();
    let margin = HOP_MARGIN.as_millis() as u64;
    assert!(
        result[0] <= 4_000 && result[1] <= result[0] + 1 - margin && result[1] > 2_000,
        "{result:?}"
    );
    api.stop(DrainBudget::none(), "test").await;
    core.stop(DrainBudget::none(), "test").await;
}

/// Tells when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_handler_ends_when_its_caller_hangs_up_and_when_its_time_is_over() {
    let (begun, mut begins) = mpsc::unbounded_channel();
    let (ended, mut ends) = mpsc::unbounded_channel();
    let (running, address) = on_tcp(move || {
        let (begun, ended) = (begun.clone(), ended.clone());
        Service::new("core", "1").method(HANG, move |_: Context, (): ()| {
            let dropped = Dropped(ended.clone());
            begun.send(()).unwrap();
            async move {
                let _dropped = dropped;
                std::future::pending().await
            }
        })
    })
    .await;
    let call = |timeout: u64| json!({ "method": "hang", "params": null, "timeout": timeout }).to_string();

    let sent = send(address, "POST", "/v1/sys/rpc", &[], &call(30_000)).await;
    begins.recv().await.unwrap();
    assert!(ends.try_recv().is_err());
    drop(sent);
    tokio::time::timeout(SOON, ends.recv())
        .await
        .expect("it ends with the connection")
        .unwrap();

    let answer = ask(address, "POST", "/v1/sys/rpc", &call(20)).await;
    assert_eq!(answer.status, 504);
    ends.try_recv().expect("it ended before its caller was told");
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn two_services_that_call_each_other_in_a_ring_stop() {
    let directory = tempfile::tempdir().unwrap();
    let calls = Arc::new(AtomicU32::new(0));
    let (here, there) = (Arc::clone(&calls), Arc::clone(&calls));
    let core = on_unix(directory.path(), move || {
        let calls = Arc::clone(&here);
        Service::new("core", "1").method(TO_API, move |context: Context, (): ()| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move { context.call(&TO_CORE, ()).await }
        })
    })
    .await;
    let api = on_unix(directory.path(), move || {
        let calls = Arc::clone(&there);
        Service::new("api", "1").method(TO_CORE, move |context: Context, (): ()| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move { context.call(&TO_API, ()).await }
        })
    })
    .await;
    let handler = core.handler("core").unwrap();
    let call = json!({ "method": "toApi", "params": null }).to_string();
    for (hops, runs) in [("0", u32::from(HOPS_MAX) + 1), ("15", 2), ("16", 1), ("70000", 1)] {
        calls.store(0, Ordering::SeqCst);
        let headers = [("x-syscall-hops", hops)];
        let asked = support::ask(&handler, Method::POST, "/v1/sys/rpc", &headers, call.clone());
        let answer = tokio::time::timeout(SOON, asked).await.unwrap();
        assert_eq!(
            answer.body["error"]["code"],
            Value::from("TOO_MANY_HOPS"),
            "{}",
            answer.text
        );
        assert_eq!(calls.load(Ordering::SeqCst), runs, "from {hops} hops on");
    }
    core.stop(DrainBudget::none(), "test").await;
    api.stop(DrainBudget::none(), "test").await;
}
