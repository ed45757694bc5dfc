//! A database as one process uses it: the connections, and the tasks that serve all stores in it at once.
//!
//! One statement renews the leases of all stores and reads how far each has come, so that nine idle services cost one query every
//! few seconds. One connection listens for all. Where that cannot be, behind a transaction pooler or while the connection is
//! away, one poll for all takes its place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::failure::{Fault, chain};
use super::lease::{self, BEAT, DEATHS, HEARTBEAT, TTL};
use super::member::Member;
use super::meta::{FROM_META, HEAD_COLUMNS, heads};
use super::pool::Pool;
use super::query::{Query, Schema, Value, text};
use super::row::get;
use super::target::Target;
use super::writer::Message;
use super::{listen, notify};
use crate::lifecycle::Scope;
use crate::policy::jitter;
use crate::store::{Error, Heads, Result};

/// How long a renewal or a poll may take: it must fail while there is time for another before the fence.
const DEADLINE: Duration = Duration::from_secs(2);
/// Between tries to renew while the database is away.
const RETRY: Duration = Duration::from_secs(1);
/// Between polls where nothing else tells of commits: at its fastest about what a person does not notice, at its slowest what an
/// idle process may cost. Each poll that finds nothing doubles the wait.
const POLL_FAST: Duration = Duration::from_millis(20);
const POLL_SLOW: Duration = Duration::from_secs(2);
const DOING: &str = "renewing leases";

/// A database that the stores of a process share. Cheap to clone; its tasks live in the scope that it was made with.
#[derive(Clone)]
pub struct Database(pub(super) Arc<Hub>);

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({})", self.0.pool.target.place())
    }
}

impl Database {
    /// Prepares to use a database; nothing is connected before it is needed. Make one a URL and process.
    pub fn new(target: Target, scope: &Scope) -> Self {
        let pooled = target.pooled;
        let hub = Arc::new(Hub {
            pool: Pool::new(target, scope.clone()),
            scope: scope.clone(),
            members: Mutex::default(),
            listening: watch::Sender::new(false),
            stirred: Notify::new(),
            news: Mutex::default(),
            told: Notify::new(),
        });
        scope.spawn_background("postgres-pulse", pulse(Arc::clone(&hub)));
        scope.spawn_background("postgres-poll", poll(Arc::clone(&hub)));
        if !pooled {
            scope.spawn_background("postgres-listen", listen::run(Arc::clone(&hub)));
            scope.spawn_background("postgres-notify", notify::run(Arc::clone(&hub)));
        }
        Database(hub)
    }

    /// Host and port, for a sentence.
    pub fn place(&self) -> String {
        self.0.pool.target.place()
    }
}

/// What the stores and the tasks share.
pub(super) struct Hub {
    pub(super) pool: Pool,
    pub(super) scope: Scope,
    members: Mutex<Vec<Weak<Member>>>,
    /// Whether commits of other replicas are heard of.
    pub(super) listening: watch::Sender<bool>,
    /// There is reason to look sooner.
    stirred: Notify,
    /// Commits that other replicas have not been told of, by schema.
    news: Mutex<BTreeMap<String, Heads>>,
    pub(super) told: Notify,
}

impl Hub {
    pub(super) fn join(&self, member: &Arc<Member>) {
        lock(&self.members).push(Arc::downgrade(member));
        self.stirred.notify_waiters();
    }

    fn members(&self) -> Vec<Arc<Member>> {
        let mut members = lock(&self.members);
        members.retain(|member| member.strong_count() > 0);
        let living = members.iter().filter_map(Weak::upgrade);
        living.filter(|member| !member.has_ended()).collect()
    }

    /// Tells other replicas of a commit, soon.
    pub(super) fn tell(&self, schema: &Schema, heads: Heads) {
        if !self.pool.target.pooled {
            lock(&self.news).insert(schema.name().to_owned(), heads);
            self.told.notify_one();
        }
        self.stirred.notify_waiters();
    }

    /// What other replicas have not been told of.
    pub(super) fn take_news(&self) -> BTreeMap<String, Heads> {
        std::mem::take(&mut *lock(&self.news))
    }

    /// Passes on what was heard of a schema.
    pub(super) fn heard(&self, schema: &str, heads: Heads) {
        for member in self.members() {
            if member.schema.name() == schema {
                member.publish(heads);
            }
        }
    }

    /// Reads how far every store has come; says whether any has moved.
    pub(super) async fn look(&self) -> Result<bool> {
        let members = self.members();
        let Some(first) = members.first() else { return Ok(false) };
        let look = |(place, member): (usize, &Arc<Member>)| {
            member
                .schema
                .fill(&format!("SELECT {place}::int8, {HEAD_COLUMNS} {FROM_META}"))
        };
        let sql = members
            .iter()
            .enumerate()
            .map(look)
            .collect::<Vec<_>>()
            .join(" UNION ALL ");
        let link = self.pool.get(DOING).await?;
        let rows = link.query(&first.schema, Query::new(sql, []), DEADLINE).await;
        let rows = rows.map_err(|fault| fault.into_error(DOING))?;
        let mut moved = false;
        for row in &rows {
            let place: i64 = get(row, 0).map_err(|fault| fault.into_error(DOING))?;
            let heads = heads(row, 1).map_err(|fault| fault.into_error(DOING))?;
            let member = usize::try_from(place).ok().and_then(|place| members.get(place));
            moved |= member.is_some_and(|member| member.publish(heads));
        }
        Ok(moved)
    }

    /// Renews leases, reads how far the stores have come, and has the jobs of the dead taken.
    async fn beat(&self, members: &[Arc<Member>]) -> Result<()> {
        let Some(first) = members.first() else { return Ok(()) };
        let begun = Instant::now();
        let link = self.pool.get(DOING).await?;
        let (mut renewals, mut looks) = (Vec::new(), Vec::new());
        let mut values: Vec<Value<'_>> = vec![lease::millis(TTL)];
        for (place, member) in members.iter().enumerate() {
            values.push(text(&member.owner));
            let me = format!("${}", values.len());
            let of_member = |template: &str| member.schema.fill(template).replace("{me}", &me);
            renewals.push(of_member(&format!("renewal_{place} AS ({BEAT})")));
            looks.push(of_member(&format!(
                "SELECT {place}::int8, {HEAD_COLUMNS}, {DEATHS} {FROM_META}"
            )));
        }
        let sql = format!("WITH {} {}", renewals.join(", "), looks.join(" UNION ALL "));
        let rows = link.query(&first.schema, Query::new(sql, values), DEADLINE).await;
        let rows = rows.map_err(|fault| fault.into_error(DOING))?;
        self.note(members, &rows, begun)
            .map_err(|fault| fault.into_error(DOING))
    }

    /// One beat for every store; says what kept any of them from it.
    pub(super) async fn beat_all(&self) -> Result<()> {
        let members = self.members();
        let Err(error) = self.beat(&members).await else {
            return Ok(());
        };
        if !matches!(error, Error::Backend { .. }) || members.len() == 1 {
            return Err(error);
        }
        // One schema that is gone must not cost the others their leases.
        for member in &members {
            // Each failure is the one that is told already.
            let _ = self.beat(std::slice::from_ref(member)).await;
        }
        Err(error)
    }

    fn note(&self, members: &[Arc<Member>], rows: &super::link::Rows, begun: Instant) -> Result<(), Fault> {
        for row in rows {
            let place: i64 = get(row, 0)?;
            let Some(member) = usize::try_from(place).ok().and_then(|place| members.get(place)) else {
                continue;
            };
            member.renewed(begun);
            member.publish(heads(row, 1)?);
            let writes = member.writes.upgrade();
            if get(row, 7)?
                && let Some(writes) = writes
            {
                // A full queue is reason enough to look again at the next beat.
                let _ = writes.try_send(Message::Reap);
            }
        }
        Ok(())
    }
}

/// Renews the leases for ever.
async fn pulse(hub: Arc<Hub>) {
    let mut away = false;
    loop {
        tokio::time::sleep(if away { RETRY } else { HEARTBEAT }).await;
        match hub.beat_all().await {
            Ok(()) if std::mem::replace(&mut away, false) => {
                tracing::info!(database = hub.pool.target.place(), "leases are renewed again");
            }
            Err(error) if !std::mem::replace(&mut away, true) => tracing::warn!(
                database = hub.pool.target.place(),
                error = chain(&error),
                "leases cannot be renewed; trying again"
            ),
            _ => {}
        }
    }
}

/// Polls for ever, while nothing is heard otherwise.
async fn poll(hub: Arc<Hub>) {
    let mut listening = hub.listening.subscribe();
    let mut wait = POLL_FAST;
    loop {
        // The hub holds the sender.
        let _ = listening.wait_for(|listening| !listening).await;
        tokio::select! {
            () = tokio::time::sleep(wait.mul_f64(1.0 + jitter() / 4.0)) => {}
            () = hub.stirred.notified() => {
                wait = POLL_FAST;
                continue;
            }
        }
        wait = match hub.look().await {
            Ok(true) => POLL_FAST,
            // What keeps it from looking is said by the pulse.
            Ok(false) | Err(_) => (wait * 2).min(POLL_SLOW),
        };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds the lock")
}
