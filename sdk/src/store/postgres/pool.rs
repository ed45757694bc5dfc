//! The connections of a process to one database, shared by the kernels in it.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::failure::{Fault, chain};
use super::link::Link;
use super::target::Target;
use crate::lifecycle::Scope;
use crate::policy::{Backoff, jitter};
use crate::store::{Error, Result};

/// Connections at most, beside the one that listens. A commit group holds one for two round trips, a read for one, so eight serve
/// nine kernels; ten replicas of a fleet stay within the hundred that a PostgreSQL server takes by default.
const CONNECTIONS_MAX: usize = 8;
/// How long a caller waits for a free one: past it the database is what is slow.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a connection may take to be made, all addresses and the handshake together.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Between tries to reach a database that is away: soon enough to be back within a second of it, seldom enough not to storm it.
const RECONNECT: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(1));

/// The connections.
pub(super) struct Pool {
    pub(super) target: Target,
    scope: Scope,
    slots: Semaphore,
    idle: Mutex<Vec<Link>>,
    trouble: Mutex<Trouble>,
}

/// How reaching the database went of late.
#[derive(Default)]
struct Trouble {
    failures: u32,
    /// No new try before this.
    until: Option<Instant>,
    said: String,
}

impl Pool {
    pub(super) fn new(target: Target, scope: Scope) -> Self {
        Pool {
            target,
            scope,
            slots: Semaphore::new(CONNECTIONS_MAX),
            idle: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// A connection, which goes back when it is dropped whole. Fails at once while the database is away and it is too early for
    /// another try.
    pub(super) async fn get(&self, doing: &'static str) -> Result<Held<'_>> {
        let slot = match tokio::time::timeout(WAIT_MAX, self.slots.acquire()).await {
            Ok(Ok(slot)) => slot,
            _ => return Err(Fault::late(WAIT_MAX).into_error(doing)),
        };
        let link = loop {
            let idle = lock(&self.idle).pop();
            match idle {
                Some(link) if link.is_whole() => break link,
                Some(_) => {}
                None => break self.connect(doing).await?,
            }
        };
        Ok(Held {
            pool: self,
            link: Some(link),
            _slot: slot,
        })
    }

    async fn connect(&self, doing: &'static str) -> Result<Link> {
        {
            let trouble = lock(&self.trouble);
            if trouble.until.is_some_and(|until| Instant::now() < until) {
                return Err(Error::Unavailable {
                    doing,
                    source: trouble.said.clone().into(),
                });
            }
        }
        let connected = tokio::time::timeout(CONNECT_MAX, Link::open(&self.target, &self.scope)).await;
        let fault = match connected {
            Ok(Ok(link)) => {
                *lock(&self.trouble) = Trouble::default();
                return Ok(link);
            }
            Ok(Err(error)) => Fault::of(error, true),
            Err(_) => Fault::late(CONNECT_MAX),
        };
        let error = unreachable(fault, doing, &self.target);
        let mut trouble = lock(&self.trouble);
        trouble.failures = trouble.failures.saturating_add(1);
        trouble.until = Some(Instant::now() + RECONNECT.wait(trouble.failures, jitter()));
        trouble.said = chain(&error);
        Err(error)
    }
}

/// Who is refused for what it said must say something else; who finds nobody there can wait.
fn unreachable(fault: Fault, doing: &'static str, target: &Target) -> Error {
    // Wrong password, no such user, no such database: trying again mends none of them.
    const HOPELESS: [&str; 4] = ["28P01", "28000", "3D000", "42501"];
    let Fault::Lost(source) = fault else {
        return fault.into_error(doing);
    };
    let said = source
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(|error| error.as_db_error());
    match said {
        Some(db) if HOPELESS.contains(&db.code().code()) => Error::Unusable(format!(
            "PostgreSQL at {} lets nobody in with this DATABASE_URL: {}; correct its user, password or database",
            target.place(),
            db.message()
        )),
        _ => Error::Unavailable { doing, source },
    }
}

/// A connection that is used by one.
pub(super) struct Held<'p> {
    pool: &'p Pool,
    link: Option<Link>,
    _slot: SemaphorePermit<'p>,
}

impl Deref for Held<'_> {
    type Target = Link;

    fn deref(&self) -> &Link {
        self.link.as_ref().expect("it is taken out by the drop alone")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take().filter(Link::is_whole) {
            lock(&self.pool.idle).push(link);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds the lock")
}
