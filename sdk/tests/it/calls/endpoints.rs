//! Replicas that refuse, hang, fail, lie or are slow, beside others that do not.

use std::time::Duration;

use http::HeaderValue;
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::rpc::header::DRAINING;
use syscall_sdk::transport::Handler;
use syscall_sdk::wire::PeerState;
use tokio::time::Instant;

use super::net::{self, CORE, Fault, Net, Word, at};
use super::{call, calls, idempotent, load, three};

const SECOND: Duration = Duration::from_secs(1);

async fn state(client: &syscall_sdk::rpc::Client, n: u16) -> PeerState {
    let peer = client.peer_of("core").await.unwrap();
    let address = at(n).to_string();
    peer.endpoints
        .iter()
        .find(|endpoint| endpoint.address == address)
        .unwrap()
        .state
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_costs_no_time_and_the_address_is_left_alone() {
    let (net, client, _) = three(1);
    calls(&client, 30).await;
    net.fault(at(1), Fault::Refuses);
    net.restart(at(1));
    tokio::time::sleep(SECOND).await;
    let once = CallOptions::default();
    let begun = Instant::now();
    for _ in 0..100 {
        // Not even one that may be done only once fails: nothing of it was ever sent.
        call(&client, once.clone()).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
    assert_eq!(state(&client, 1).await, PeerState::Open);
    assert_eq!(net.dialled(at(1)), 2, "one try is enough");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_swallows_packets_costs_a_second_and_the_others_nothing() {
    let (net, client, _) = three(2);
    net.fault(at(1), Fault::BlackHole);
    let begun = Instant::now();
    let (answered, errors) = load(&client, 16, 5 * SECOND).await;
    assert_eq!(errors, [""; 0]);
    assert!(!answered.contains_key(&at(1)));
    // Sixteen callers make some 230 calls each; at most one of each of them met it.
    assert!(answered.values().sum::<usize>() > 16 * 160, "{answered:?}");
    assert!(begun.elapsed() < 8 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_calls_and_never_answers_loses_them_within_a_second() {
    for (seed, fault) in [
        (3, Fault::Mute),
        (4, Fault::Status(500, Vec::new())),
        (5, Fault::Resets),
        (6, Fault::Truncates),
    ] {
        let (net, client, _) = three(seed);
        let (_, errors) = load(&client, 64, SECOND / 2).await;
        assert_eq!(errors, [""; 0]);
        net.fault(at(1), fault.clone());
        if fault == Fault::Truncates {
            net.restart(at(1));
        }
        let before = net.asked(at(1));
        let (answered, errors) = load(&client, 64, SECOND).await;
        assert_eq!(errors, [""; 0], "{fault:?}");
        let (first, all) = (net.asked(at(1)) - before, answered.values().sum::<usize>());
        // A third of sixty-four calls were on their way to it when it fell ill.
        assert!(
            first * 20 < all,
            "{first} of {all} calls in the first second of {fault:?}"
        );
        let before = net.asked(at(1));
        let (answered, errors) = load(&client, 64, 2 * SECOND).await;
        assert_eq!(errors, [""; 0], "{fault:?}");
        let (later, all) = (net.asked(at(1)) - before, answered.values().sum::<usize>());
        assert!(later * 1_000 <= all, "{later} of {all} calls after it");
        // Once it is well, it is back.
        net.fault(at(1), Fault::Slow(Duration::from_millis(1)));
        load(&client, 4, 8 * SECOND).await;
        let (answered, _) = load(&client, 64, SECOND).await;
        let (again, all) = (
            answered.get(&at(1)).copied().unwrap_or(0),
            answered.values().sum::<usize>(),
        );
        assert!(again * 5 > all, "{again} of {all} calls after {fault:?} was over");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_slow_gets_few_calls_and_its_share_again_when_it_is_not() {
    let (net, client, _) = three(7);
    net.fault(at(1), Fault::Slow(Duration::from_millis(40)));
    load(&client, 32, SECOND / 2).await;
    let (answered, _) = load(&client, 32, 2 * SECOND).await;
    let all: usize = answered.values().sum();
    assert!(answered.get(&at(1)).copied().unwrap_or(0) * 10 < all, "{answered:?}");
    net.fault(at(1), Fault::Slow(Duration::from_millis(1)));
    load(&client, 2, 60 * SECOND).await;
    let (answered, _) = load(&client, 32, 2 * SECOND).await;
    let all: usize = answered.values().sum();
    assert!(answered[&at(1)] * 4 > all, "{answered:?}");
}

#[tokio::test(start_paused = true)]
async fn half_of_the_answers_failing_opens_it_though_never_five_in_a_row_do() {
    let net = Net::default();
    let addresses = [1, 2, 3].map(at);
    net.core(&addresses);
    let turn = std::sync::atomic::AtomicUsize::new(0);
    net.host(
        at(1),
        syscall_sdk::transport::Handler::new(move |_| {
            let failing = turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst).is_multiple_of(2);
            Box::pin(async move {
                let mut response = super::net::result(&serde_json::json!(at(1).to_string()));
                if failing {
                    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
                }
                response
            })
        }),
    );
    let client = net.client(8);
    // A failure makes it look slow, so it takes a crowd for it to be asked at all.
    for _ in 0..200 {
        let (_, errors) = load(&client, 128, Duration::from_millis(1)).await;
        assert_eq!(errors, [""; 0]);
        if state(&client, 1).await == PeerState::Open {
            return;
        }
        tokio::time::sleep(SECOND).await;
    }
    panic!("it was never opened: {:?}", client.peer_of("core").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_time_is_given_it_and_not_taken_for_broken() {
    let (net, client, _) = three(9);
    net.fault(at(1), Fault::Status(429, vec![("retry-after", "20".to_owned())]));
    let answered = calls(&client, 300).await;
    assert!(!answered.contains_key(&at(1)));
    assert!(net.asked(at(1)) <= 3, "{}", net.asked(at(1)));
    assert_eq!(state(&client, 1).await, PeerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn when_most_are_ill_all_are_asked_and_one_alone_always_is() {
    let (net, client, addresses) = three(10);
    for address in addresses {
        net.fault(address, Fault::Status(500, Vec::new()));
    }
    for _ in 0..40 {
        let error = call(&client, CallOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), syscall_sdk::error::Kind::Internal, "{error}");
    }
    net.fault(at(2), Fault::Slow(Duration::from_millis(1)));
    // Two of three are ill: whoever is well is found, though its breaker is open too.
    calls(&client, 50).await;

    let alone = Net::default();
    alone.core(&[at(9)]);
    alone.fault(at(9), Fault::Status(500, Vec::new()));
    let client = alone.client(11);
    for _ in 0..40 {
        call(&client, CallOptions::default()).await.unwrap_err();
    }
    assert_eq!(alone.asked(at(9)), 40, "an open breaker answered in its place");
    alone.fault(at(9), Fault::None);
    call(&client, CallOptions::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_process_that_restarts_at_its_address_is_met_with_a_new_connection() {
    let net = Net::default();
    net.core(&[at(1)]);
    let client = net.client(12);
    for _ in 0..20 {
        call(&client, CallOptions::default()).await.unwrap();
        net.restart(at(1));
        // Word of it comes first, as it does between real machines.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(net.dialled(at(1)), 20);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_became_another_services_is_dropped_and_asked_for_again() {
    let (net, client, _) = three(13);
    calls(&client, 10).await;
    net.fault(at(1), Fault::Status(421, Vec::new()));
    net.say(CORE, Word::Addresses(vec![at(2), at(3)], 30 * SECOND));
    tokio::time::sleep(2 * SECOND).await;
    let (asked, resolved) = (net.asked(at(1)), net.resolved());
    for _ in 0..50 {
        call(&client, CallOptions::default()).await.unwrap();
    }
    tokio::time::sleep(SECOND).await;
    calls(&client, 50).await;
    assert!(net.asked(at(1)) - asked <= 1);
    assert!(net.resolved() > resolved);
    assert_eq!(client.peer_of("core").await.unwrap().endpoints.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn connections_are_kept_for_a_while_and_none_for_ever() {
    let (net, client, _) = three(14);
    calls(&client, 100).await;
    let dialled: usize = [1, 2, 3].map(|n| net.dialled(at(n))).iter().sum();
    assert_eq!(dialled, 3);
    for _ in 0..80 {
        // Used all the time, they are replaced before they are six minutes old.
        calls(&client, 6).await;
        tokio::time::sleep(5 * SECOND).await;
    }
    let dialled: usize = [1, 2, 3].map(|n| net.dialled(at(n))).iter().sum();
    assert!((6..=9).contains(&dialled), "{dialled}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_says_that_it_ends_is_asked_no_more_while_there_are_others() {
    let (net, client, _) = three(9);
    let farewell = Handler::new(|_| {
        Box::pin(async {
            let mut answer = net::result(&serde_json::json!(at(1).to_string()));
            answer.headers_mut().insert(DRAINING, HeaderValue::from_static("1"));
            answer
        })
    });
    net.host(at(1), farewell);
    client.peer_of("core").await.unwrap();
    // A name that was asked just now is not asked again.
    tokio::time::sleep(SECOND).await;
    let mut last = 0;
    for _ in 0..100 {
        // Not even one that may be done only once fails, and none is sent where the next may be cut.
        last += usize::from(call(&client, CallOptions::default()).await.unwrap() == at(1));
    }
    assert_eq!(last, 1, "one answer is enough");
    assert_eq!(state(&client, 1).await, PeerState::Open);
    assert_eq!(net.resolved(), 2, "where it has moved to is asked at once");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_small_enough_to_be_handed_on() {
    let (_net, client, _) = three(1);
    let call = client.call_by_name("core", "where", None, idempotent());
    // It is copied into each future that awaits it; what is rarely done has room of its own.
    let bytes = std::mem::size_of_val(&call);
    assert!(bytes <= 6 * 1_024, "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn what_answers_in_a_services_place_is_not_relayed_as_that_services_answer() {
    let (net, client, _) = three(14);
    for status in [200, 404, 501] {
        for n in 1..=3 {
            net.fault(
                at(n),
                Fault::Status(status, vec![("content-type", "text/html".to_owned())]),
            );
        }
        let answer = client
            .call_for_reply("core", "where", None, CallOptions::default())
            .await;
        let error = answer.unwrap_err();
        assert_eq!(error.code(), "BAD_GATEWAY", "{status}: {error}");
        assert!(error.to_string().contains("blackroad resolve core"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_callers_own_process_is_not_blamed_on_the_replicas() {
    let (net, client, _) = three(15);
    calls(&client, 400).await;
    for n in 1..=3 {
        net.fault(at(n), Fault::Slow(Duration::from_millis(5)));
    }
    let asked = || (1..=3).map(|n| net.asked(at(n))).sum::<usize>();
    let before = asked();
    let on_their_way: Vec<_> = (0..60)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client, idempotent()).await })
        })
        .collect();
    while asked() < before + 60 {
        tokio::task::yield_now().await;
    }
    // The answers come, and every timer rings late, at once.
    tokio::time::advance(2 * SECOND).await;
    for call in on_their_way {
        call.await.unwrap().unwrap();
    }
    assert_eq!(asked(), before + 60, "nothing was sent twice");
    for n in 1..=3 {
        assert_eq!(state(&client, n).await, PeerState::Closed);
    }
}
