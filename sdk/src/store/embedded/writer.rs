//! The one writer: a thread that puts all waiting batches into one transaction, so that they share one sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::apply::{Halt, Tables};
use super::counters::Counters;
use super::failure;
use super::lock::Lock;
use super::reader::Read;
use super::ready::Ready;
use crate::store::{Batch, Error, Heads, Op, Outcome, Result, Verdict, rules};
use crate::wire::Json;

#[cfg(test)]
mod tests;

/// Batches that may wait for the writer. It is past what 512 requests in flight can bring, so a caller waits for room only
/// when the disk hangs.
pub(super) const QUEUE_MAX: usize = 1024;
/// Batches in one transaction: all that can wait would make the first wait too long for the last.
const GROUP_MAX_BATCHES: usize = 512;
/// Bytes of values in one transaction: what a slow disk still writes in some tens of milliseconds.
const GROUP_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Pages of log (4 MiB) after which a checkpoint is made as soon as nothing waits.
const CHECKPOINT_IDLE_PAGES: i64 = 1024;
/// Pages of log (32 MiB) after which a checkpoint is made though batches wait: reading a longer log costs every reader.
const CHECKPOINT_BUSY_PAGES: i64 = 8192;

/// What the writer is told.
pub(super) enum Message {
    /// Apply a batch.
    Commit(Commit),
    /// Read on the writer's connection: a store in memory has no other.
    Read(Read),
    /// Take nothing more, finish what waits, and end.
    Close,
}

/// A batch and who waits for its outcome.
pub(super) struct Commit {
    batch: Batch,
    /// Gone where it was answered early.
    reply: Option<oneshot::Sender<Result<Vec<Outcome>>>>,
}

impl Commit {
    pub(super) fn new(batch: Batch, reply: oneshot::Sender<Result<Vec<Outcome>>>) -> Self {
        Commit {
            batch,
            reply: Some(reply),
        }
    }

    /// Who has gone meanwhile does not mind.
    fn answer(self, answer: Result<Vec<Outcome>>) {
        if let Some(reply) = self.reply {
            let _ = reply.send(answer);
        }
    }

    fn is_awaited(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }
}

/// How much the writer has done, for metrics.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) transactions: AtomicU64,
    pub(super) batches: AtomicU64,
    /// Set when a commit found no room, until one that wrote something did.
    pub(super) full: AtomicBool,
}

/// The state of the writer's thread.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) counters: Counters,
    pub(super) ready: Ready,
    /// Let go of when the store is poisoned, which is how who watches the heads learns of it.
    pub(super) heads: Option<watch::Sender<Heads>>,
    pub(super) tally: Arc<Tally>,
    pub(super) on_disk: bool,
    /// Why no commit is acknowledged any more.
    pub(super) poisoned: Option<String>,
    /// Let go of last, after the connection has closed.
    pub(super) _lock: Option<Lock>,
}

/// A batch that was applied inside the open transaction, and what it came to.
struct Applied {
    commit: Commit,
    answer: Result<Vec<Outcome>>,
}

impl Applied {
    /// Answers a claim before the sync where it asks for that and takes only what was ready before the transaction: its jobs run while
    /// the disk works, and what they come to stands behind it in the same queue.
    fn answer_early(&mut self, ready: &Ready) {
        let [Op::Claim(claim)] = &self.commit.batch.ops[..] else {
            return;
        };
        if let Ok(outcomes) = &self.answer
            && let [Outcome::Claimed { jobs, .. }] = &outcomes[..]
            && claim.early
            && !jobs.iter().any(|job| ready.is_fresh(job) || claim.bounds(job))
            && let Some(reply) = self.commit.reply.take()
        {
            let _ = reply.send(Ok(outcomes.clone()));
        }
    }
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        while let Some(message) = queue.blocking_recv() {
            match message {
                Message::Commit(first) => self.commit_group(first, &mut queue),
                Message::Read(read) => read(&self.conn),
                Message::Close => queue.close(),
            }
            let pages = if queue.is_empty() {
                CHECKPOINT_IDLE_PAGES
            } else {
                CHECKPOINT_BUSY_PAGES
            };
            self.checkpoint_past(pages);
        }
        if self.on_disk && self.poisoned.is_none() {
            self.checkpoint("TRUNCATE");
        }
    }

    /// Commits a batch with whatever waits behind it. While the disk syncs, the next group forms by itself.
    fn commit_group(&mut self, first: Commit, queue: &mut mpsc::Receiver<Message>) {
        if let Some(why) = &self.poisoned {
            first.answer(Err(Error::Poisoned(why.clone())));
            return;
        }
        let mut bytes = weight(&first.batch);
        let mut batches = 1;
        let mut first = Some(first);
        let mut reads = Vec::new();
        let next = || {
            if let Some(first) = first.take() {
                return Some(first);
            }
            while batches < GROUP_MAX_BATCHES && bytes < GROUP_MAX_BYTES {
                match queue.try_recv() {
                    Ok(Message::Commit(commit)) => {
                        batches += 1;
                        bytes += weight(&commit.batch);
                        return Some(commit);
                    }
                    // Answered after the commit: before it they would see what may still be taken back.
                    Ok(Message::Read(read)) => reads.push(read),
                    Ok(Message::Close) => queue.close(),
                    Err(_) => break,
                }
            }
            None
        };
        let mut group = Vec::new();
        match self.transact(&mut group, next) {
            Ok(()) => self.acknowledge(group),
            Err(error) if group.len() > 1 && !failure::poisons(&error) => {
                // One of them may be at fault; alone, each answers for itself.
                for applied in group {
                    // A claim that was answered early is not made again: its jobs are still ready, and run again.
                    if applied.commit.is_awaited() {
                        self.commit_alone(applied.commit);
                    }
                }
            }
            Err(error) => self.answer_failed(group, error),
        }
        for read in reads {
            read(&self.conn);
        }
    }

    fn commit_alone(&mut self, commit: Commit) {
        let mut group = Vec::new();
        let mut commit = Some(commit);
        match self.transact(&mut group, || commit.take()) {
            Ok(()) => self.acknowledge(group),
            Err(error) => self.answer_failed(group, error),
        }
    }

    /// Applies batches in one transaction and commits it. On an error all of it is taken back.
    fn transact(&mut self, group: &mut Vec<Applied>, mut next: impl FnMut() -> Option<Commit>) -> rusqlite::Result<()> {
        let saved = self.counters;
        let done = self.fill(group, &mut next, saved);
        if done.is_err() {
            self.counters = saved;
            self.ready.roll_back(0);
            // SQLite has rolled back by itself after some errors; after the others this cannot fail but by a fault that
            // the next BEGIN will report.
            if !self.conn.is_autocommit() {
                let _ = run(&self.conn, "ROLLBACK");
            }
        }
        done
    }

    fn fill(
        &mut self,
        group: &mut Vec<Applied>,
        next: &mut impl FnMut() -> Option<Commit>,
        saved: Counters,
    ) -> rusqlite::Result<()> {
        while let Some(commit) = next() {
            // Who waits no longer gets nothing done, which is one of the two things that a dropped commit may come to.
            if !commit.is_awaited() {
                continue;
            }
            // In the group before anything can fail, so that an error is answered.
            let begun = !group.is_empty();
            group.push(Applied {
                commit,
                answer: Err(Error::Closed),
            });
            if !begun {
                run(&self.conn, "BEGIN IMMEDIATE")?;
            }
            if let Some(applied) = group.last_mut() {
                let mut tables = Tables {
                    conn: &self.conn,
                    counters: &mut self.counters,
                    ready: &mut self.ready,
                };
                applied.answer = apply(&mut tables, &applied.commit.batch)?;
                applied.answer_early(&self.ready);
            }
        }
        if group.is_empty() {
            return Ok(());
        }
        if group.iter().all(|applied| applied.answer.is_err()) {
            // What the refused ones wrote and took back would be written to the log all the same, and synced.
            run(&self.conn, "ROLLBACK")?;
            self.ready.commit();
            return Ok(());
        }
        let wrote = self.counters != saved;
        if wrote {
            self.counters.save(&self.conn)?;
        }
        run(&self.conn, "COMMIT")?;
        self.ready.commit();
        if wrote {
            self.tally.full.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Publishes how far the commit came, then answers: who has an answer finds it in the heads.
    fn acknowledge(&mut self, group: Vec<Applied>) {
        self.tally.transactions.fetch_add(
            u64::from(group.iter().any(|applied| applied.answer.is_ok())),
            Ordering::Relaxed,
        );
        self.tally.batches.fetch_add(group.len() as u64, Ordering::Relaxed);
        let counters = self.counters;
        let publish = |heads: &mut Heads| {
            let before = *heads;
            heads.seq = counters.seq;
            heads.event = counters.event_head;
            heads.change = counters.change_head;
            for applied in &group {
                if let Ok(outcomes) = &applied.answer {
                    rules::count_jobs(heads, &applied.commit.batch.ops, outcomes);
                }
            }
            *heads != before
        };
        if let Some(heads) = &self.heads {
            heads.send_if_modified(publish);
        }
        for Applied { commit, answer } in group {
            commit.answer(answer);
        }
    }

    fn answer_failed(&mut self, group: Vec<Applied>, error: rusqlite::Error) {
        if failure::poisons(&error) {
            self.poison(&error);
        }
        if failure::full(&error) {
            self.tally.full.store(true, Ordering::Relaxed);
        }
        let mut error = Some(error);
        for Applied { commit, .. } in group {
            let answer = match (&self.poisoned, error.take()) {
                (Some(why), _) => Error::Poisoned(why.clone()),
                (None, Some(error)) => failure::of("committing", error),
                (None, None) => Error::Closed,
            };
            commit.answer(Err(answer));
        }
    }

    fn poison(&mut self, error: &rusqlite::Error) {
        tracing::error!(error = %error, "a sync to disk failed; the store acknowledges nothing more until the process is restarted");
        self.poisoned = Some(error.to_string());
        self.heads = None;
    }

    fn checkpoint_past(&mut self, pages: i64) {
        if !self.on_disk || self.poisoned.is_some() {
            return;
        }
        if self.checkpoint("NOOP").is_some_and(|waiting| waiting >= pages) {
            self.checkpoint("PASSIVE");
        }
    }

    /// Runs a checkpoint; says how many pages of log wait to be brought home.
    fn checkpoint(&mut self, mode: &'static str) -> Option<i64> {
        let pragma = match mode {
            "NOOP" => "PRAGMA wal_checkpoint(NOOP)",
            "PASSIVE" => "PRAGMA wal_checkpoint(PASSIVE)",
            _ => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        let result = self
            .conn
            .prepare_cached(pragma)
            .and_then(|mut statement| statement.query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)));
        match result {
            Ok(waiting) => Some(waiting),
            Err(error) => {
                // A failed sync of the database file is as bad as one of the log. Anything else is tried again.
                if failure::poisons(&error) {
                    self.poison(&error);
                }
                None
            }
        }
    }
}

/// Applies a batch inside the open transaction, whole or not at all; the outer error is the database's.
fn apply(tables: &mut Tables<'_>, batch: &Batch) -> rusqlite::Result<Result<Vec<Outcome>>> {
    let (saved, mark) = (*tables.counters, tables.ready.mark());
    // An operation that is refused has written nothing, so a lone one needs no savepoint.
    let several = batch.ops.len() > 1;
    if several {
        run(tables.conn, "SAVEPOINT batch")?;
    }
    let mut outcomes = Vec::with_capacity(batch.ops.len());
    for (op, what) in batch.ops.iter().enumerate() {
        match tables.apply(what, batch.at) {
            Ok(outcome) => outcomes.push(outcome),
            Err(Halt::Sql(error)) => return Err(error),
            Err(Halt::Refused(why)) => {
                *tables.counters = saved;
                tables.ready.roll_back(mark);
                if several {
                    run(tables.conn, "ROLLBACK TO batch")?;
                    run(tables.conn, "RELEASE batch")?;
                }
                return Ok(Err(Error::Refused { op, why }));
            }
        }
    }
    if several {
        run(tables.conn, "RELEASE batch")?;
    }
    Ok(Ok(outcomes))
}

fn run(conn: &Connection, statement: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(statement)?.execute([]).map(drop)
}

/// Roughly how many bytes a batch writes: its values, which are all that can be large.
fn weight(batch: &Batch) -> usize {
    let json = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.text().len());
    let of_op = |op: &Op| match op {
        Op::Put(put) => put.value.text().len(),
        Op::Emit(emit) => json(&emit.data),
        Op::Enqueue(job) => json(&job.params),
        Op::Settle(settle) => match &settle.verdict {
            Verdict::Completed { result } => json(result),
            _ => 0,
        },
        Op::Remember(remember) => remember.answer.as_ref().map_or(0, |answer| answer.body.len()),
        _ => 0,
    };
    batch.ops.iter().map(of_op).sum()
}
