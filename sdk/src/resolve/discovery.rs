//! One name, kept fresh while it is used and silent while it is not: no call waits for DNS unless nothing is known.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Answer, Endpoint, Found, Freshness, Resolver};
use crate::error::{Error, Result};
use crate::lifecycle::Scope;
use crate::policy::{Backoff, Dice};

/// Shortest life of an answer: a TTL of 0 must not become a loop (linkerd's floor and Envoy's default).
pub(super) const TTL_MIN: Duration = Duration::from_secs(5);
/// Longest life of an answer: a replica that joins is used within it, whatever the TTL says.
const TTL_MAX: Duration = Duration::from_secs(30);
/// How much of its life an answer lives before it is asked for again, while calls go on with it.
const REFRESH_AT: f64 = 0.8;
/// How far lives are spread, so that replicas that started together do not ask together.
const SPREAD: f64 = 0.1;
/// Between questions while they are not answered (RFC 9520: at least 1 s).
const RETRY: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(30));
/// Between questions that something was wrong with an address: a peer that refuses ten thousand calls asks once.
const SUSPECT_MIN: Duration = Duration::from_secs(1);
/// How long the answer from before is served while no question is answered: RFC 8767 allows a day and more, but private addresses
/// are given to other services after a redeploy.
const STALE_MAX: Duration = Duration::from_secs(3600);
/// How long the first call after a rest waits for a fresh answer before it goes on with the old one (RFC 8767, client response timer;
/// far shorter here, since name servers of a private network answer in a millisecond).
const STALE_ANSWER_TIMER: Duration = Duration::from_millis(200);

/// What is known of one name. Cheap to clone; all clones share what they know.
#[derive(Clone, Debug)]
pub struct Discovery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    host: String,
    port: u16,
    resolver: Arc<dyn Resolver>,
    scope: Scope,
    dice: Dice,
    found: watch::Sender<Found>,
    asking: Mutex<Asking>,
}

#[derive(Debug, Default)]
struct Asking {
    now: bool,
    last: Option<Instant>,
    failures: u32,
    /// Answers "no such name" in a row.
    denials: u32,
}

impl Discovery {
    /// Nothing is asked before it is used.
    pub fn new(host: impl Into<String>, port: u16, resolver: Arc<dyn Resolver>, scope: Scope, dice: Dice) -> Self {
        Discovery(Arc::new(Inner {
            host: host.into(),
            port,
            resolver,
            scope,
            dice,
            found: watch::Sender::new(Found::unasked(Instant::now())),
            asking: Mutex::default(),
        }))
    }

    /// What is asked: `dns`, `table`.
    pub fn source(&self) -> &'static str {
        self.0.resolver.source()
    }

    /// What is known now; asks nobody.
    pub fn known(&self) -> Found {
        self.0.found.borrow().clone()
    }

    /// What is known, as it changes.
    pub fn watch(&self) -> watch::Receiver<Found> {
        self.0.found.subscribe()
    }

    /// Gives what is known to `read`, and asks again in the background where it is due. Waits only where nothing is known, or where the
    /// name was not used for longer than its answer lived; then no longer than `deadline`. Cancel-safe.
    ///
    /// # Errors
    /// `NO_ENDPOINTS` where the name has no address; `DNS_FAILED` where nothing is known of it. With `patient`, both only at the deadline.
    pub async fn use_with<T>(&self, deadline: Instant, patient: bool, read: impl Fn(&Found) -> T) -> Result<T> {
        let due = {
            let found = self.0.found.borrow();
            let now = Instant::now();
            if found.usable() && !found.expired(now) {
                let read = read(&found);
                if now < found.next {
                    return Ok(read);
                }
                Some(read)
            } else {
                None
            }
        };
        if let Some(read) = due {
            self.ask();
            return Ok(read);
        }
        Box::pin(self.wait_with(deadline, patient, read)).await
    }

    async fn wait_with<T>(&self, deadline: Instant, patient: bool, read: impl Fn(&Found) -> T) -> Result<T> {
        let mut seen = self.0.found.subscribe();
        loop {
            self.ask();
            let usable = seen.borrow_and_update().usable();
            if self.is_asking() {
                let until = if usable {
                    deadline.min(Instant::now() + STALE_ANSWER_TIMER)
                } else {
                    deadline
                };
                // Late or not, what is known then decides.
                let _ = timeout_at(until, seen.changed()).await;
            }
            let next = {
                let found = seen.borrow_and_update();
                if found.usable() {
                    return Ok(read(&found));
                }
                if !patient || Instant::now() >= deadline {
                    return Err(self.nobody(&found));
                }
                found.next
            };
            tokio::time::sleep_until(next.min(deadline)).await;
        }
    }

    /// An address refused, answered for another or was given up on: asks again soon, whatever the TTL says.
    pub fn suspect(&self) {
        let recently = {
            let asking = self.asking();
            asking.failures > 0 || asking.last.is_some_and(|last| last.elapsed() < SUSPECT_MIN)
        };
        if !recently {
            self.start();
        }
    }

    /// Asks in the background where it is due and nobody asks already.
    fn ask(&self) {
        if Instant::now() >= self.0.found.borrow().next {
            self.start();
        }
    }

    fn start(&self) {
        {
            let mut asking = self.asking();
            if asking.now {
                return;
            }
            asking.now = true;
            asking.last = Some(Instant::now());
        }
        let this = self.clone();
        self.0.scope.spawn_background("resolve", async move {
            let answer = this.0.resolver.resolve(&this.0.host, this.0.port).await;
            this.learn(answer);
        });
    }

    fn learn(&self, answer: Result<Answer>) {
        let now = Instant::now();
        let mut asking = self.asking();
        asking.now = false;
        let before = self.0.found.borrow().clone();
        let next = match answer {
            Ok(answer) if !answer.endpoints.is_empty() => {
                asking.failures = 0;
                asking.denials = 0;
                let ttl = answer
                    .ttl
                    .clamp(TTL_MIN, TTL_MAX)
                    .mul_f64(1.0 + SPREAD * (2.0 * self.0.dice.unit() - 1.0));
                Found {
                    // The same set stays the same object, so that who looks at it need not compare.
                    endpoints: if *before.endpoints == *answer.endpoints {
                        before.endpoints
                    } else {
                        answer.endpoints.into()
                    },
                    ttl,
                    answered: Some(now),
                    next: now + ttl.mul_f64(REFRESH_AT),
                    freshness: Freshness::Fresh,
                    refused: answer.refused,
                }
            }
            Ok(answer) => {
                asking.failures = 0;
                asking.denials += 1;
                // One "no such name" may be a name server that has just restarted; two, some seconds apart, are believed.
                let believed = before.endpoints.is_empty() || asking.denials > 1;
                Found {
                    endpoints: if believed { Arc::from([]) } else { before.endpoints },
                    answered: if believed { Some(now) } else { before.answered },
                    next: now + TTL_MIN,
                    freshness: if believed {
                        Freshness::Empty
                    } else {
                        Freshness::Stale {
                            why: "the name servers say for the first time that there is no such name".to_owned(),
                        }
                    },
                    refused: answer.refused,
                    ttl: TTL_MIN,
                }
            }
            Err(error) => {
                asking.failures = asking.failures.saturating_add(1);
                let why = error.chain();
                let kept = !before.endpoints.is_empty() && before.answered.is_some_and(|at| now < at + STALE_MAX);
                Found {
                    endpoints: if kept { before.endpoints } else { Arc::from([]) },
                    next: now + RETRY.wait(asking.failures, self.0.dice.unit()),
                    freshness: if kept {
                        Freshness::Stale { why }
                    } else {
                        Freshness::Failed { why }
                    },
                    ..before
                }
            }
        };
        // Told before anybody can see that nobody asks any more: else a first caller would take that for no answer.
        self.0.found.send_replace(next);
        drop(asking);
    }

    fn nobody(&self, found: &Found) -> Error {
        let host = &self.0.host;
        let (code, why) = match &found.freshness {
            Freshness::Failed { why } | Freshness::Stale { why } => (
                "DNS_FAILED",
                match found.answered {
                    Some(at) => format!(
                        "{why}; the last answer is {} s old, too old to use",
                        at.elapsed().as_secs()
                    ),
                    None => why.clone(),
                },
            ),
            Freshness::Unasked => ("DNS_FAILED", format!("{host} was not answered in time")),
            Freshness::Fresh | Freshness::Empty if found.refused > 0 => (
                "NO_ENDPOINTS",
                format!("{host} has {} addresses and none of the private network", found.refused),
            ),
            Freshness::Fresh | Freshness::Empty => (
                "NO_ENDPOINTS",
                format!("the name {host} has no address: the service is not deployed here, or has another name"),
            ),
        };
        Error::unavailable(why)
            .with_code(code)
            .with_details(serde_json::json!({ "host": host, "port": self.0.port, "source": self.source() }))
    }

    fn is_asking(&self) -> bool {
        self.asking().now
    }

    fn asking(&self) -> std::sync::MutexGuard<'_, Asking> {
        self.0.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The endpoints of an answer as they are kept: each once, in order, so that a shuffled answer is the same answer.
pub(super) fn in_order(mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    endpoints.sort_unstable();
    endpoints.dedup();
    endpoints
}
