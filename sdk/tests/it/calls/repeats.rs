//! When a call is sent again, when it is not, and how much that may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use syscall_sdk::error::Kind;
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::transport::Handler;
use syscall_sdk::wire::Json;
use tokio::time::Instant;

use super::net::{Fault, Net, at, result};
use super::{call, idempotent, load, three};

const SECOND: Duration = Duration::from_secs(1);

fn once() -> CallOptions {
    CallOptions::default()
}

fn keyed() -> CallOptions {
    CallOptions {
        idempotency_key: Some("order-7".to_owned()),
        ..CallOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_not_sent_again_unless_that_does_no_harm() {
    for fault in [Fault::Resets, Fault::Truncates, Fault::Status(502, Vec::new())] {
        let (net, client, addresses) = three(1);
        for address in addresses {
            net.fault(address, fault.clone());
        }
        let asked = || addresses.map(|address| net.asked(address)).iter().sum::<usize>();
        call(&client, once()).await.unwrap_err();
        assert_eq!(asked(), 1, "{fault:?}");
        call(&client, idempotent()).await.unwrap_err();
        assert_eq!(asked(), 4, "{fault:?}");
        call(&client, keyed()).await.unwrap_err();
        assert_eq!(asked(), 7, "{fault:?}");
        // Each of the three went to another replica, and said which one it was.
        let attempts: Vec<_> = addresses
            .iter()
            .flat_map(|address| net.headers(*address))
            .filter_map(|headers| headers.get("grpc-previous-rpc-attempts").cloned())
            .collect();
        if fault != Fault::Truncates {
            assert_eq!(attempts.len(), 4);
            assert_eq!(attempts.iter().filter(|attempt| *attempt == "2").count(), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_made_for_a_repeat_is_not_repeated_below() {
    let (net, client, addresses) = three(2);
    for address in addresses {
        net.fault(address, Fault::Status(503, Vec::new()));
    }
    let options = CallOptions {
        repeated: true,
        ..idempotent()
    };
    call(&client, options).await.unwrap_err();
    assert_eq!(addresses.map(|address| net.asked(address)).iter().sum::<usize>(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_before_any_work_is_sent_elsewhere_whatever_it_is() {
    let (net, client, _) = three(3);
    let busy = vec![
        ("retry-after", "1".to_owned()),
        ("x-syscall-unprocessed", "1".to_owned()),
    ];
    net.fault(at(1), Fault::Status(503, busy.clone()));
    net.fault(at(2), Fault::Status(503, busy));
    for _ in 0..10 {
        assert_eq!(call(&client, once()).await.unwrap(), at(3));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_services_own_code_said_is_an_answer() {
    let (net, client, addresses) = three(4);
    let said = vec![("x-syscall-origin", "handler".to_owned())];
    for address in addresses {
        net.fault(address, Fault::Status(500, said.clone()));
    }
    for _ in 0..20 {
        call(&client, idempotent()).await.unwrap_err();
    }
    assert_eq!(addresses.map(|address| net.asked(address)).iter().sum::<usize>(), 20);
    let peer = client.peer_of("core").await.unwrap();
    assert!(peer.endpoints.iter().all(|endpoint| endpoint.failures == 0), "{peer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_is_sent_once() {
    let (net, client, addresses) = three(5);
    for address in addresses {
        net.fault(address, Fault::Resets);
    }
    let params: Json = serde_json::json!("x".repeat(65 * 1024)).into();
    client
        .call_by_name("core", "where", Some(&params), idempotent())
        .await
        .unwrap_err();
    assert_eq!(addresses.map(|address| net.asked(address)).iter().sum::<usize>(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_everything_fails_a_fifth_more_is_sent_and_not_three_times_as_much() {
    let (net, client, addresses) = three(6);
    for address in addresses {
        net.fault(address, Fault::Status(503, Vec::new()));
    }
    let mut calls = 0;
    let begun = Instant::now();
    while begun.elapsed() < 12 * SECOND {
        let client = client.clone();
        tokio::spawn(async move { call(&client, idempotent()).await });
        calls += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(5 * SECOND).await;
    let asked = addresses.map(|address| net.asked(address)).iter().sum::<usize>();
    // A fifth, and the reserve of twenty in each of the two windows.
    assert!(
        asked as f64 <= f64::from(calls) * 1.2 + 40.0,
        "{asked} attempts of {calls} calls"
    );
    assert!(
        asked as f64 >= f64::from(calls) * 1.1,
        "{asked} attempts of {calls} calls"
    );
}

#[tokio::test(start_paused = true)]
async fn three_layers_do_not_multiply_their_repeats() {
    // operator → core → api, and api is down.
    let net = Net::default();
    let api = [31, 32].map(at);
    for address in api {
        net.host(address, super::net::echo(address));
        net.fault(address, Fault::Status(503, Vec::new()));
    }
    let word = super::net::Word::Addresses(api.to_vec(), 30 * SECOND);
    net.say("blackroad-os-api.railway.internal", word);
    let core = net.client_of("core", 1);
    net.core(&[at(1), at(2)]);
    for address in [at(1), at(2)] {
        let core = core.clone();
        net.host(
            address,
            Handler::new(move |request| {
                let core = core.clone();
                let repeated = request.headers().contains_key("grpc-previous-rpc-attempts");
                Box::pin(async move {
                    let options = CallOptions {
                        repeated,
                        ..idempotent()
                    };
                    match core.call_by_name("api", "where", None, options).await {
                        Ok(_) => result(&serde_json::json!("fine")),
                        Err(_) => {
                            let mut response = result(&serde_json::json!(null));
                            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
                            response
                        }
                    }
                })
            }),
        );
    }
    let client = net.client(2);
    let mut calls = 0;
    let begun = Instant::now();
    while begun.elapsed() < 12 * SECOND {
        let client = client.clone();
        tokio::spawn(async move { client.call_by_name("core", "where", None, idempotent()).await });
        calls += 1;
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    tokio::time::sleep(5 * SECOND).await;
    let asked = api.map(|address| net.asked(address)).iter().sum::<usize>();
    // A fifth above, and a fifth below of what is no repeat: 1.4 and the reserves, where nine would be the worst.
    assert!(
        asked as f64 <= f64::from(calls) * 1.45 + 100.0,
        "{asked} questions of {calls} calls"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_longer_than_the_time_left_is_not_begun() {
    let net = Net::default();
    net.core(&[at(1)]);
    net.fault(at(1), Fault::Status(503, vec![("retry-after", "60".to_owned())]));
    let client = net.client(7);
    let options = CallOptions {
        timeout: Some(2 * SECOND),
        ..idempotent()
    };
    let begun = Instant::now();
    let error = call(&client, options).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(50), "{:?}", begun.elapsed());
    assert_eq!(error.retry_after(), Some(60 * SECOND));
    assert_eq!(net.asked(at(1)), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_call_says_where_it_was_and_for_how_long() {
    let (net, client, addresses) = three(8);
    for address in addresses {
        net.fault(address, Fault::Mute);
    }
    let options = CallOptions {
        timeout: Some(3 * SECOND),
        ..idempotent()
    };
    let begun = Instant::now();
    let error = call(&client, options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::DeadlineExceeded);
    assert!(begun.elapsed() >= 3 * SECOND && begun.elapsed() < 4 * SECOND);
    let tried = &error.details().unwrap()["tried"];
    assert_eq!(tried.as_array().unwrap().len(), 3, "{tried}");
    assert!(error.message().contains("attempt 1 at [fd00::"), "{error}");
    assert!(error.message().contains("did not answer within 3000 ms"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_leaves_nothing_behind() {
    let (net, client, addresses) = three(9);
    for address in addresses {
        net.fault(address, Fault::Mute);
    }
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client, idempotent()).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(client.peer_of("core").await.unwrap().in_flight, 100);
    for caller in callers {
        caller.abort();
        let _ = caller.await;
    }
    let peer = client.peer_of("core").await.unwrap();
    assert_eq!(peer.in_flight, 0);
    assert!(
        peer.endpoints
            .iter()
            .all(|endpoint| endpoint.in_flight == 0 && endpoint.failures == 0),
        "{peer:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_there_is_room_for_wait_a_little_or_are_refused_by_name() {
    let net = Net::default();
    net.core(&[at(1)]);
    net.fault(at(1), Fault::Slow(5 * SECOND));
    let client = net.client(10);
    let begun = Instant::now();
    let callers: Vec<_> = (0..600)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                (
                    call(&client, once()).await.map_err(|error| error.code().to_owned()),
                    begun.elapsed(),
                )
            })
        })
        .collect();
    let (mut answered, mut at_once, mut waited) = (0, 0, 0);
    for caller in callers {
        match caller.await.unwrap() {
            (Ok(_), _) => answered += 1,
            (Err(code), took) => {
                assert_eq!(code, "QUEUE_FULL");
                if took < Duration::from_millis(100) {
                    at_once += 1;
                } else {
                    assert!(took <= Duration::from_millis(1_100), "{took:?}");
                    waited += 1;
                }
            }
        }
    }
    assert_eq!((answered, waited, at_once), (256, 128, 216));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_cuts_off_the_tail_for_one_call_in_a_hundred() {
    let net = Net::default();
    let turn = Arc::new(AtomicUsize::new(0));
    net.core(&[at(1), at(2), at(3)]);
    for address in [1, 2, 3].map(at) {
        let turn = Arc::clone(&turn);
        net.host(
            address,
            Handler::new(move |_| {
                // Every hundred and fiftieth answer of all is slow: a pause, not a replica that is ill.
                let slow = turn.fetch_add(1, Ordering::SeqCst) % 150 == 149;
                Box::pin(async move {
                    tokio::time::sleep(Duration::from_millis(if slow { 80 } else { 2 })).await;
                    result(&serde_json::json!(address.to_string()))
                })
            }),
        );
    }
    let client = net.client(11);
    let hedged = CallOptions {
        hedge: true,
        ..idempotent()
    };
    let mut slowest = Duration::ZERO;
    for n in 0..3_000 {
        let begun = Instant::now();
        call(&client, hedged.clone()).await.unwrap();
        if n > 300 {
            slowest = slowest.max(begun.elapsed());
        }
    }
    let peer = client.peer_of("core").await.unwrap();
    assert!(slowest < Duration::from_millis(20), "{slowest:?}");
    assert!((10..=60).contains(&peer.hedges), "{}", peer.hedges);
    assert_eq!(peer.calls.answered, 3_000, "both of a pair were counted");
    assert_eq!(peer.in_flight, 0);
    let asked: usize = [1, 2, 3].map(|n| net.asked(at(n))).iter().sum();
    assert_eq!(asked as u64, 3_000 + peer.hedges);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_is_an_error_and_its_connection_is_not_used_again() {
    let net = Net::default();
    net.core(&[at(1)]);
    net.host(
        at(1),
        Handler::new(|_| Box::pin(async { result(&serde_json::json!("x".repeat(17 * 1024 * 1024))) })),
    );
    let client = net.client(12);
    let error = call(&client, idempotent()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::BadGateway);
    assert!(error.message().contains("larger than 16 MiB"), "{error}");
    assert_eq!(net.asked(at(1)), 1);
    call(&client, idempotent()).await.unwrap_err();
    assert_eq!(net.dialled(at(1)), 2);
    let (_, errors) = load(&client, 1, Duration::from_millis(1)).await;
    assert_eq!(errors.len(), 1);
}
