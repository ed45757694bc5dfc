//! One connection: statements sent together and answered in order, every call within a deadline.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, maybe_done, try_join_all};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, Statement};

use super::failure::Fault;
use super::query::{Query, Schema};
use super::target::Target;
use crate::lifecycle::Scope;

/// What a statement came to.
pub(super) type Rows = Vec<Row>;

/// A connection. What was sent together is answered in order; it is given up after anything that leaves its state in doubt.
pub(super) struct Link {
    client: Client,
    /// Whether statements may be kept prepared: not behind a pooler, which gives each transaction another server process.
    keeps: bool,
    statements: Mutex<HashMap<(Schema, Cow<'static, str>), Statement>>,
    /// Something was sent whose end was not seen.
    midway: AtomicBool,
    /// A transaction is open: what begins one is sent before other statements, what ends it after them or alone.
    open: AtomicBool,
}

impl Link {
    /// Connects; the connection's own task lives in `scope`.
    pub(super) async fn open(target: &Target, scope: &Scope) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = target.config.connect(target.tls.clone()).await?;
        scope.spawn_background("postgres-connection", async move {
            // Whoever waits for an answer hears of it; an idle connection that ends concerns nobody.
            let _ = connection.await;
        });
        if !target.pooled {
            client.batch_execute(&settings("SET")).await?;
        }
        Ok(Link {
            client,
            keeps: !target.pooled,
            statements: Mutex::default(),
            midway: AtomicBool::new(false),
            open: AtomicBool::new(false),
        })
    }

    /// The statements that begin a transaction.
    pub(super) fn begin(&self) -> String {
        self.begun("READ COMMITTED")
    }

    /// The statements that begin a transaction which sees one moment and writes nothing.
    pub(super) fn begin_snapshot(&self) -> String {
        self.begun("REPEATABLE READ READ ONLY")
    }

    fn begun(&self, level: &str) -> String {
        let begin = format!("BEGIN ISOLATION LEVEL {level}");
        match self.keeps {
            true => begin,
            false => format!("{begin};{}", settings("SET LOCAL")),
        }
    }

    /// Whether it can be used again.
    pub(super) fn is_whole(&self) -> bool {
        let busy = self.midway.load(Ordering::Acquire) || self.open.load(Ordering::Acquire);
        !busy && !self.client.is_closed()
    }

    /// Runs one statement.
    pub(super) async fn query(&self, schema: &Schema, query: Query<'_>, deadline: Duration) -> Result<Rows, Fault> {
        let mut answers = self.pipeline(schema, None, &[query], None, deadline).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Ends the open transaction with a plain `COMMIT` or `ROLLBACK`.
    pub(super) async fn end(&self, statement: &str, deadline: Duration) -> Result<(), Fault> {
        self.run(statement, deadline).await?;
        self.open.store(false, Ordering::Release);
        Ok(())
    }

    /// Runs plain statements that give no rows.
    pub(super) async fn run(&self, statements: &str, deadline: Duration) -> Result<(), Fault> {
        let work = async {
            self.client
                .batch_execute(statements)
                .await
                .map_err(|error| self.fault(error))
        };
        self.guarded(deadline, work).await
    }

    /// Sends everything at once and waits for all answers: one round trip. `before` begins a transaction, `after` ends it. The server works through it in order, and after a failure
    /// inside a transaction refuses the rest, a `COMMIT` among them.
    pub(super) async fn pipeline(
        &self,
        schema: &Schema,
        before: Option<&str>,
        queries: &[Query<'_>],
        after: Option<&str>,
        deadline: Duration,
    ) -> Result<Vec<Rows>, Fault> {
        if before.is_some() {
            self.open.store(true, Ordering::Release);
        }
        let work = async {
            let statements = self.prepared(schema, queries).await?;
            let mut calls: Vec<BoxFuture<'_, Result<Rows, tokio_postgres::Error>>> = Vec::new();
            let plain = |sql| async move { self.client.batch_execute(sql).await.map(|()| Rows::new()) }.boxed();
            calls.extend(before.map(plain));
            for (query, statement) in queries.iter().zip(statements) {
                calls.push(self.call(schema, query, statement));
            }
            calls.extend(after.map(plain));
            let answers = in_order(calls).await;
            let answers: Result<Vec<Rows>, _> = answers.into_iter().collect();
            let mut answers = answers.map_err(|error| self.fault(error))?;
            answers.drain(..usize::from(before.is_some()));
            answers.truncate(queries.len());
            if after.is_some() {
                self.open.store(false, Ordering::Release);
            }
            Ok(answers)
        };
        self.guarded(deadline, work).await
    }

    fn call<'a>(
        &'a self,
        schema: &'a Schema,
        query: &'a Query<'_>,
        statement: Option<Statement>,
    ) -> BoxFuture<'a, Result<Rows, tokio_postgres::Error>> {
        let borrowed = |value: &'a super::query::Value<'_>| -> &'a (dyn ToSql + Sync) { &*value.value };
        match statement {
            Some(statement) => {
                let values: Vec<_> = query.values.iter().map(borrowed).collect();
                async move { self.client.query(&statement, &values).await }.boxed()
            }
            None => {
                let typed = |value: &'a super::query::Value<'_>| (borrowed(value), value.kind.clone());
                let values: Vec<(_, Type)> = query.values.iter().map(typed).collect();
                async move { self.client.query_typed(&schema.fill(&query.sql), &values).await }.boxed()
            }
        }
    }

    /// The statements, prepared where this connection does not have them yet.
    async fn prepared(&self, schema: &Schema, queries: &[Query<'_>]) -> Result<Vec<Option<Statement>>, Fault> {
        if !self.keeps {
            return Ok(queries.iter().map(|_| None).collect());
        }
        let each = queries.iter().map(|query| async move {
            let key = (schema.clone(), query.sql.clone());
            let known = self.statements().get(&key).cloned();
            if let Some(statement) = known {
                return Ok(Some(statement));
            }
            let kinds: Vec<Type> = query.values.iter().map(|value| value.kind.clone()).collect();
            let statement = self.client.prepare_typed(&schema.fill(&query.sql), &kinds).await?;
            self.statements().insert(key, statement.clone());
            Ok(Some(statement))
        });
        try_join_all(each).await.map_err(|error| self.fault(error))
    }

    fn statements(&self) -> MutexGuard<'_, HashMap<(Schema, Cow<'static, str>), Statement>> {
        self.statements.lock().expect("nothing panics while it holds the lock")
    }

    /// Whatever is dropped or comes too late leaves the connection unfit to be used again, and so does a failure: a transaction
    /// may be open.
    async fn guarded<T>(&self, deadline: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.midway.store(true, Ordering::Release);
        let answer = tokio::time::timeout(deadline, work).await;
        let answer = answer.unwrap_or_else(|_| Err(Fault::late(deadline)));
        if answer.is_ok() {
            self.midway.store(false, Ordering::Release);
        }
        answer
    }

    fn fault(&self, error: tokio_postgres::Error) -> Fault {
        Fault::of(error, self.client.is_closed())
    }
}

/// What every transaction runs under.
///
/// A lock is held for one commit group; who holds it longer hangs. The server ends whoever leaves a transaction open, since its row
/// of numbers is what all replicas wait for. Every statement is written for an index, and a plan is made once: of a table that has
/// just been filled the planner knows nothing, and would read it whole.
const SETTINGS: [(&str, &str); 9] = [
    ("lock_timeout", "5s"),
    ("statement_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
    // Not the server's own: it tells the schema that this program counts the bytes of what is kept.
    ("blackroad.counts_bytes", "on"),
];

/// The statements that set [`SETTINGS`]. `synchronous_commit` is raised where it is off, since acknowledged means on disk, and left
/// where it is stricter.
fn settings(set: &str) -> String {
    let local = set == "SET LOCAL";
    let each = SETTINGS
        .iter()
        .map(|(name, value)| format!("{set} {name} = '{value}'; "));
    let raised = format!(
        "SELECT set_config('synchronous_commit', 'on', {local}) WHERE current_setting('synchronous_commit') = 'off'"
    );
    each.chain([raised]).collect()
}

/// Polls each future in turn until all are done, so that their first polls, which send, come in this order.
async fn in_order<T>(calls: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut calls: Vec<_> = calls.into_iter().map(maybe_done).collect();
    poll_fn(|cx| {
        let waiting = calls
            .iter_mut()
            .map(|call| Pin::new(call).poll(cx))
            .filter(|poll| poll.is_pending())
            .count();
        if waiting == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let taken = calls.iter_mut().map(|call| Pin::new(call).take_output());
    taken.map(|output| output.expect("every call is done")).collect()
}
