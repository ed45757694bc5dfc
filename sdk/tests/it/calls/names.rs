//! What is known of a name, over minutes and hours.

use std::time::Duration;

use syscall_sdk::rpc::CallOptions;
use syscall_sdk::wire::PeerFreshness;
use tokio::time::{Instant, advance};

use super::net::{CORE, Net, Word, at};
use super::{call, calls, idempotent, three};

const MINUTE: Duration = Duration::from_secs(60);

/// One call a second.
async fn a_call_each_second(client: &syscall_sdk::rpc::Client, seconds: u64) {
    for _ in 0..seconds {
        call(client, idempotent()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn three_addresses_of_one_name_share_the_calls() {
    let (_net, client, addresses) = three(1);
    let answered = calls(&client, 3_000).await;
    for address in addresses {
        let share = answered[&address];
        assert!((800..=1_200).contains(&share), "{answered:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_joins_is_used_within_one_refresh() {
    let (net, client, addresses) = three(2);
    a_call_each_second(&client, 5).await;
    let mut four = addresses.to_vec();
    four.push(at(4));
    net.core(&four);
    let begun = Instant::now();
    while net.asked(at(4)) == 0 {
        call(&client, idempotent()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(begun.elapsed() < Duration::from_secs(45), "nobody called it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_leaves_gets_no_new_calls_and_finishes_those_it_has() {
    let net = Net::default();
    net.core(&[at(1)]);
    net.fault(at(1), super::net::Fault::Slow(Duration::from_secs(8)));
    let client = net.client(3);
    let slow = {
        let client = client.clone();
        tokio::spawn(async move { call(&client, idempotent()).await })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    net.host(at(2), super::net::echo(at(2)));
    net.say(CORE, Word::Addresses(vec![at(2)], Duration::from_secs(30)));
    advance(Duration::from_secs(0)).await;
    // The answer lives for at most 33 s.
    let leaving = net.asked(at(1));
    assert_eq!(slow.await.unwrap().unwrap(), at(1));
    tokio::time::sleep(Duration::from_secs(34)).await;
    assert_eq!(calls(&client, 20).await.get(&at(2)), Some(&20));
    assert_eq!(net.asked(at(1)), leaving);
}

#[tokio::test(start_paused = true)]
async fn a_life_of_zero_is_no_loop_and_a_life_of_a_day_no_blindness() {
    for (ttl, least, most) in [(Duration::ZERO, 8, 16), (Duration::from_secs(86_400), 1, 4)] {
        let net = Net::default();
        net.core(&[at(1)]);
        net.say(CORE, Word::Addresses(vec![at(1)], ttl));
        let client = net.client(4);
        a_call_each_second(&client, 60).await;
        let asked = net.resolved();
        assert!(
            (least..=most).contains(&asked),
            "{asked} questions in a minute of {ttl:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn while_no_name_server_answers_the_last_answer_serves_for_an_hour() {
    let (net, client, _) = three(5);
    a_call_each_second(&client, 1).await;
    net.say(CORE, Word::NoAnswer);
    let before = net.resolved();
    a_call_each_second(&client, 3_500).await;
    let asked = net.resolved() - before;
    assert!(
        (60..=600).contains(&asked),
        "{asked} questions in an hour without an answer"
    );
    let peer = client.peer_of("core").await.unwrap();
    assert_eq!(peer.freshness, PeerFreshness::Stale);
    assert!(peer.why.unwrap().contains("no answer"));
    tokio::time::sleep(Duration::from_secs(200)).await;
    // The first call finds it too old only once another question has come to nothing.
    let _ = call(&client, idempotent()).await;
    tokio::time::sleep(MINUTE).await;
    let _ = call(&client, idempotent()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let error = call(&client, idempotent()).await.unwrap_err();
    assert_eq!(error.code(), "DNS_FAILED", "{error}");
    assert!(error.message().contains("too old"), "{error}");
    // And when they answer again, so do the peers.
    net.say(CORE, Word::Addresses(vec![at(1)], Duration::from_secs(30)));
    tokio::time::sleep(MINUTE).await;
    assert_eq!(call(&client, idempotent()).await.unwrap(), at(1));
}

#[tokio::test(start_paused = true)]
async fn one_denial_of_a_name_is_not_believed_and_two_are() {
    let (net, client, _) = three(6);
    a_call_each_second(&client, 1).await;
    net.say(CORE, Word::NoSuchName);
    tokio::time::sleep(MINUTE).await;
    call(&client, idempotent()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(client.peer_of("core").await.unwrap().freshness, PeerFreshness::Stale);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let _ = call(&client, idempotent()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = call(&client, idempotent()).await.unwrap_err();
    assert_eq!(error.code(), "NO_ENDPOINTS", "{error}");
}

#[tokio::test(start_paused = true)]
async fn another_order_of_the_same_addresses_is_the_same_set() {
    let (net, client, addresses) = three(7);
    a_call_each_second(&client, 20).await;
    let mut shuffled = vec![addresses[2], addresses[0], addresses[1], addresses[2]];
    for _ in 0..10 {
        shuffled.rotate_left(1);
        net.say(CORE, Word::Addresses(shuffled.clone(), Duration::from_secs(5)));
        a_call_each_second(&client, 6).await;
    }
    let peer = client.peer_of("core").await.unwrap();
    let attempts: u64 = peer.endpoints.iter().map(|endpoint| endpoint.attempts).sum();
    assert_eq!(
        (peer.endpoints.len(), attempts),
        (3, 80),
        "what was known of them was forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn at_boot_a_call_fails_at_once_unless_it_waits_for_somebody_to_be_there() {
    let net = Net::default();
    net.say(CORE, Word::NoAnswer);
    let client = net.client(8);
    let begun = Instant::now();
    let error = call(&client, idempotent()).await.unwrap_err();
    assert_eq!(error.code(), "DNS_FAILED");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());

    let patient = CallOptions {
        wait_for_ready: true,
        timeout: Some(Duration::from_secs(20)),
        ..idempotent()
    };
    let waiting = {
        let client = client.clone();
        let patient = patient.clone();
        tokio::spawn(async move { call(&client, patient).await })
    };
    tokio::time::sleep(Duration::from_secs(7)).await;
    net.core(&[at(1)]);
    assert_eq!(waiting.await.unwrap().unwrap(), at(1));

    let nobody = Net::default();
    let begun = Instant::now();
    let error = call(&nobody.client(9), patient).await.unwrap_err();
    assert_eq!(error.code(), "NO_ENDPOINTS");
    assert!(begun.elapsed() >= Duration::from_secs(19), "{:?}", begun.elapsed());
}
