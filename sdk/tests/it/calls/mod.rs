//! Calls over a network that does everything that networks do.

#![expect(
    clippy::disallowed_methods,
    reason = "tests make callers of their own, and read the seed that they are given"
)]

mod endpoints;
mod fleet;
mod names;
mod net;
mod repeats;
mod traces;
mod ways;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use net::Net;
use syscall_sdk::error::Result;
use syscall_sdk::rpc::{CallOptions, Client};
use tokio::time::Instant;

/// May be done twice.
fn idempotent() -> CallOptions {
    CallOptions {
        idempotent: true,
        ..CallOptions::default()
    }
}

/// Calls core, and gives the address that answered.
async fn call(client: &Client, options: CallOptions) -> Result<SocketAddr> {
    let result = client.call_by_name("core", "where", None, options).await?;
    Ok(result.to::<String>().unwrap().parse().unwrap())
}

/// Calls core so many times one after the other, and counts who answered; every call must be answered.
async fn calls(client: &Client, count: usize) -> BTreeMap<SocketAddr, usize> {
    let mut answered = BTreeMap::new();
    for _ in 0..count {
        *answered.entry(call(client, idempotent()).await.unwrap()).or_default() += 1;
    }
    answered
}

/// Between the calls of one caller.
const PAUSE: Duration = Duration::from_millis(20);

/// So many callers that each call core for so long, one call after the other with a pause; gives who answered, and the errors.
async fn load(client: &Client, callers: usize, lasts: Duration) -> (BTreeMap<SocketAddr, usize>, Vec<String>) {
    let until = Instant::now() + lasts;
    let callers = (0..callers).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut outcomes = Vec::new();
            while Instant::now() < until {
                outcomes.push(call(&client, idempotent()).await.map_err(|error| error.chain()));
                tokio::time::sleep(PAUSE).await;
            }
            outcomes
        })
    });
    let mut answered = BTreeMap::new();
    let mut errors = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        for outcome in caller.await.unwrap() {
            match outcome {
                Ok(address) => *answered.entry(address).or_default() += 1,
                Err(error) => errors.push(error),
            }
        }
    }
    (answered, errors)
}

/// Three replicas of core that take a millisecond to answer, and a client of them.
fn three(seed: u64) -> (Net, Client, [SocketAddr; 3]) {
    let net = Net::default();
    let addresses = [1, 2, 3].map(net::at);
    net.core(&addresses);
    for address in addresses {
        net.fault(address, net::Fault::Slow(Duration::from_millis(1)));
    }
    let client = net.client(seed);
    (net, client, addresses)
}
