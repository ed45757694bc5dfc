//! A service as this process knows it: where its replicas are, how each of them does, and how much may be asked of it.

mod breaker;
mod budget;
mod cost;
#[cfg(test)]
mod costs;
mod figures;
mod pace;
mod pick;
mod replica;
mod ticket;
mod window;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use self::budget::Budget;
use self::pick::{By, Choice, choose};
use self::replica::Replica;
use super::target::Target;
use super::ways::Ways;
use crate::error::{Error, Kind, Result};
use crate::metrics::Metrics;
use crate::policy::Dice;
use crate::resolve::{Discovery, Endpoint};

pub(crate) use self::budget::{HEDGE_RESERVE, HEDGE_SHARE, RETRY_RESERVE, RETRY_SHARE};
pub(crate) use self::figures::{Ending, Figures};
pub(crate) use self::pace::Pace;
pub(crate) use self::replica::Look;
pub(crate) use self::ticket::Ticket;

/// Calls at once to one peer, all replicas together (Envoy's default).
const IN_FLIGHT_MAX: usize = 1_024;
/// Calls that wait for a place; past it more would only be late (linkerd's stance: fail fast at a shut gate).
const WAITING_MAX: usize = 128;
/// Longest wait for a place (linkerd's inbound failfast), and never more than half of what is left.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Methods of a peer whose pace is known apart; past it calls are made without that knowledge. A service has some dozens.
const PACES_MAX: usize = 256;

/// How an attempt went, as far as its replica is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was answered.
    Success,
    /// It was not, or with a 5xx.
    Failure,
    /// It took no connection.
    Unreachable,
    /// The replica asked for time.
    Throttled(Duration),
}

/// A service as this process knows it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) target: Target,
    pub(crate) discovery: Discovery,
    pub(in crate::rpc) ways: Ways,
    pub(crate) figures: Figures,
    set: RwLock<Set>,
    /// How many breakers are not closed: where none is, nobody looks.
    open: AtomicUsize,
    in_flight: AtomicUsize,
    waiting: AtomicUsize,
    room: Notify,
    retries: Budget,
    hedges: Budget,
    paces: Mutex<HashMap<String, Arc<Pace>>>,
    dice: Dice,
}

/// The replicas, and the answer of the resolver that they come from.
#[derive(Clone, Debug)]
struct Set {
    from: Arc<[Endpoint]>,
    replicas: Arc<[Arc<Replica>]>,
}

impl Peer {
    pub(in crate::rpc) fn new(target: Target, discovery: Discovery, ways: Ways, metrics: &Metrics, dice: Dice) -> Self {
        let now = Instant::now();
        Peer {
            figures: Figures::new(metrics, &target.key),
            target,
            discovery,
            ways,
            set: RwLock::new(Set {
                from: Arc::from([]),
                replicas: Arc::from([]),
            }),
            open: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
            retries: Budget::new(RETRY_SHARE, RETRY_RESERVE, now),
            hedges: Budget::new(HEDGE_SHARE, HEDGE_RESERVE, now),
            paces: Mutex::default(),
            dice,
        }
    }

    /// A call begins: what may be sent beyond the calls grows with them.
    pub(crate) fn begin(&self) {
        let now = Instant::now();
        self.retries.deposit(now);
        self.hedges.deposit(now);
    }

    /// A place for an attempt, at a replica that was not tried where there is one. Waits for the addresses where none is known, and for a
    /// place where all are taken; no longer than to `deadline`.
    ///
    /// # Errors
    /// As [`Discovery::use_with`]; `QUEUE_FULL` where too many wait already or no place came free in time.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        tried: &[Endpoint],
        repeatable: bool,
        patient: bool,
        deadline: Instant,
    ) -> Result<Ticket> {
        let replicas = self.replicas(deadline, patient).await?;
        if let Some(ticket) = self.try_admit(&replicas, tried, repeatable) {
            return Ok(ticket);
        }
        Box::pin(self.wait_for_place(&replicas, tried, repeatable, deadline)).await
    }

    async fn wait_for_place(
        self: &Arc<Self>,
        replicas: &[Arc<Replica>],
        tried: &[Endpoint],
        repeatable: bool,
        deadline: Instant,
    ) -> Result<Ticket> {
        let _place =
            Waiting::enter(&self.waiting).ok_or_else(|| self.full("too many calls wait for a place already"))?;
        let now = Instant::now();
        let until = deadline.min(now + WAIT_MAX.min(deadline.saturating_duration_since(now) / 2));
        let place = async {
            loop {
                let mut room = std::pin::pin!(self.room.notified());
                // Heard from here on, so that a place that comes free during the look is not missed.
                room.as_mut().enable();
                if let Some(ticket) = self.try_admit(replicas, tried, repeatable) {
                    return ticket;
                }
                room.await;
            }
        };
        timeout_at(until, place)
            .await
            .map_err(|_| self.full("no place came free in time"))
    }

    /// A place beside an attempt that is on its way, at another replica; none where there is none at once.
    pub(crate) fn admit_beside(self: &Arc<Self>, tried: &[Endpoint]) -> Option<Ticket> {
        let replicas = Arc::clone(&self.set().replicas);
        let others = replicas.iter().any(|replica| !tried.contains(&replica.endpoint));
        let ticket = others.then(|| self.try_admit(&replicas, tried, false)).flatten()?;
        (!tried.contains(ticket.endpoint())).then_some(ticket)
    }

    /// Whether there is a replica that was not asked.
    pub(crate) fn has_other_than(&self, asked: impl Fn(&Endpoint) -> bool) -> bool {
        self.set().replicas.iter().any(|replica| !asked(&replica.endpoint))
    }

    /// How many replicas are known.
    pub(crate) fn count(&self) -> usize {
        self.set().replicas.len()
    }

    /// Pays for one more attempt.
    pub(crate) fn may_retry(&self) -> bool {
        let may = self.retries.withdraw(Instant::now());
        if may {
            self.figures.retries.one();
        }
        may
    }

    /// Pays for a hedge.
    pub(crate) fn may_hedge(&self) -> bool {
        let may = self.hedges.withdraw(Instant::now());
        if may {
            self.figures.hedges.one();
        }
        may
    }

    /// Repeats that may be sent now.
    pub(crate) fn retries_left(&self) -> u32 {
        self.retries.left(Instant::now())
    }

    /// How fast a method's good answers come; nothing where too many methods are known.
    pub(crate) fn pace(&self, method: &str) -> Option<Arc<Pace>> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pace) = paces.get(method) {
            return Some(Arc::clone(pace));
        }
        (paces.len() < PACES_MAX).then(|| {
            let pace = Arc::new(Pace::new(Instant::now()));
            paces.insert(method.to_owned(), Arc::clone(&pace));
            pace
        })
    }

    /// A random number in `0.0..1.0`.
    pub(crate) fn random(&self) -> f64 {
        self.dice.unit()
    }

    /// Resolves the name where that is due, without calling anybody.
    pub(crate) async fn look_up(&self, deadline: Instant) {
        // What came of it is in what is known.
        let _ = self.replicas(deadline, false).await;
    }

    /// How each replica does.
    pub(crate) fn looks(&self) -> Vec<Look> {
        let now = Instant::now();
        self.set().replicas.iter().map(|replica| replica.look(now)).collect()
    }

    /// How many calls are on their way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    async fn replicas(&self, deadline: Instant, patient: bool) -> Result<Arc<[Arc<Replica>]>> {
        let found = self
            .discovery
            .use_with(deadline, patient, |found| Arc::clone(&found.endpoints))
            .await?;
        let set = self.set();
        if Arc::ptr_eq(&set.from, &found) {
            return Ok(Arc::clone(&set.replicas));
        }
        drop(set);
        Ok(self.adopt(found))
    }

    /// Takes over a new set: who stays keeps what is known of them, who goes gets no new calls.
    fn adopt(&self, found: Arc<[Endpoint]>) -> Arc<[Arc<Replica>]> {
        let now = Instant::now();
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        // Who joins others is warmed up; who is there from the start is all there is.
        let joined = (!set.replicas.is_empty()).then_some(now);
        let replicas: Arc<[Arc<Replica>]> = found
            .iter()
            .map(|endpoint| {
                let known = set.replicas.iter().find(|replica| replica.endpoint == *endpoint);
                known.map_or_else(|| Arc::new(Replica::new(endpoint.clone(), joined, now)), Arc::clone)
            })
            .collect();
        *set = Set {
            from: found,
            replicas: Arc::clone(&replicas),
        };
        drop(set);
        self.count_open();
        replicas
    }

    fn try_admit(self: &Arc<Self>, replicas: &[Arc<Replica>], tried: &[Endpoint], repeatable: bool) -> Option<Ticket> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= IN_FLIGHT_MAX {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let now = Instant::now();
        let by = By {
            tried,
            repeatable,
            troubled: self.open.load(Ordering::Relaxed) > 0,
            typical: self.figures.typical(),
            now,
            dice: &self.dice,
        };
        match choose(replicas, &by) {
            Choice::Taken(replica, probe) => Some(Ticket::new(Arc::clone(self), replica, probe, now)),
            Choice::Full => {
                self.in_flight.fetch_sub(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// An attempt is over; who waits for its place may come.
    fn left(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.room.notify_one();
        }
    }

    fn count_open(&self) {
        let open = self
            .set()
            .replicas
            .iter()
            .filter(|replica| !replica.is_closed())
            .count();
        self.open.store(open, Ordering::Relaxed);
    }

    fn full(&self, why: &str) -> Error {
        let now = self.in_flight();
        Error::new(
            Kind::Overloaded,
            format!(
                "{} is not asked: {now} calls to it are on their way, and {why}",
                self.target.key
            ),
        )
        .with_code("QUEUE_FULL")
        .with_retry_after(WAIT_MAX)
    }

    fn set(&self) -> std::sync::RwLockReadGuard<'_, Set> {
        self.set.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Waiting(waiting);
        (waiting.fetch_add(1, Ordering::AcqRel) < WAITING_MAX).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
