//! The one writer of a store: a task that puts all waiting batches into one transaction, so that they share one commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::database::Hub;
use super::group::{DEADLINE, DOING, Done, Failed, Turn};
use super::lease;
use super::member::Member;
use crate::clock::Clock;
use crate::policy::{Backoff, jitter};
use crate::store::{Batch, Error, Op, Outcome, Result, Settle, Verdict};

/// Batches that may wait for the writer. It is past what 512 requests in flight can bring, so a caller waits for room only when the
/// database hangs.
pub(super) const QUEUE_MAX: usize = 1024;
/// Batches in one transaction: all that can wait would make the first wait too long for the last.
const GROUP_MAX_BATCHES: usize = 512;
/// Operations in one transaction: what is loaded and written for them is held in memory at once.
const GROUP_MAX_OPS: usize = 4_096;
/// How long the outcome of a commit whose connection was lost is looked for: a server that restarts is back within it.
const LOOK_FOR: Duration = Duration::from_secs(15);
/// Between looks.
const LOOK_AGAIN: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(1));

/// What the writer is told.
pub(super) enum Message {
    /// Apply a batch.
    Commit(Commit),
    /// Take the jobs of workers that are dead.
    Reap,
    /// Take nothing more, finish what waits, and end.
    Close,
}

/// A batch and who waits for its outcome.
pub(super) struct Commit {
    pub(super) batch: Batch,
    pub(super) reply: oneshot::Sender<Result<Vec<Outcome>>>,
}

/// How much the writer has done.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) transactions: AtomicU64,
    pub(super) batches: AtomicU64,
    /// Set when a commit found no room, until one that wrote something did.
    pub(super) full: AtomicBool,
}

/// The state of the writer's task.
pub(super) struct Writer {
    pub(super) hub: Arc<Hub>,
    pub(super) member: Arc<Member>,
    pub(super) clock: Clock,
    pub(super) tally: Arc<Tally>,
    /// The number of the latest commit that was tried.
    pub(super) number: i64,
    /// Commits whose outcome nobody could say, and the jobs that they took if they happened.
    pub(super) doubts: Vec<(i64, Vec<(String, u32)>)>,
    /// Batches that were taken from the queue and did not fit into the group.
    pub(super) held: VecDeque<Commit>,
    /// Dropped when the writer has ended.
    pub(super) _alive: watch::Sender<()>,
}

impl Drop for Writer {
    /// However it ends, whoever follows the heads must hear that nothing more will come.
    fn drop(&mut self) {
        self.member.end();
    }
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        loop {
            let message = match self.held.pop_front() {
                Some(commit) => Message::Commit(commit),
                None => match queue.recv().await {
                    Some(message) => message,
                    None => break,
                },
            };
            match message {
                Message::Commit(first) => {
                    let group = self.gather(first, &mut queue);
                    self.commit_group(group).await;
                }
                Message::Reap => self.reap().await,
                Message::Close => queue.close(),
            }
        }
        if let Ok(link) = self.hub.pool.get("closing").await {
            // Whoever cannot say that it goes is found gone when its lease ends.
            let _ = lease::leave(&link, &self.member.schema, &self.member.owner, DEADLINE).await;
        }
    }

    /// A batch with whatever waits behind it. While the database commits, the next group forms by itself.
    fn gather(&mut self, first: Commit, queue: &mut mpsc::Receiver<Message>) -> Vec<Commit> {
        let mut ops = first.batch.ops.len();
        let alone = prunes(&first.batch);
        let mut group = vec![first];
        while !alone && self.held.is_empty() && group.len() < GROUP_MAX_BATCHES && ops < GROUP_MAX_OPS {
            match queue.try_recv() {
                Ok(Message::Commit(commit)) if prunes(&commit.batch) => self.held.push_back(commit),
                Ok(Message::Commit(commit)) => {
                    ops += commit.batch.ops.len();
                    group.push(commit);
                }
                // The next beat asks again.
                Ok(Message::Reap) => {}
                Ok(Message::Close) => queue.close(),
                Err(_) => break,
            }
        }
        // Who waits no longer gets nothing done, which is one of the two things that a dropped commit may come to.
        group.retain(|commit| !commit.reply.is_closed());
        group
    }

    async fn commit_group(&mut self, group: Vec<Commit>) {
        if group.is_empty() {
            return;
        }
        if let Err(error) = self.settle_doubts().await {
            return answer_failed(group, error);
        }
        match self.transact(&group).await {
            Ok(done) => self.acknowledge(group, done),
            Err(Failed::Rejected(_)) if group.len() > 1 => {
                // One of them may be at fault; alone, each answers for itself.
                for commit in group {
                    let alone = vec![commit];
                    match self.transact(&alone).await {
                        Ok(done) => self.acknowledge(alone, done),
                        Err(failed) => self.fail(alone, failed).await,
                    }
                }
            }
            Err(failed) => self.fail(group, failed).await,
        }
    }

    async fn transact(&mut self, group: &[Commit]) -> Result<Done, Failed> {
        let begun = Instant::now();
        let turn = self.turn();
        let batches: Vec<&Batch> = group.iter().map(|commit| &commit.batch).collect();
        let done = match batches[..] {
            [batch] if prunes(batch) => turn.commit_pruning(batch).await,
            _ => turn.commit(&batches).await,
        };
        if done.is_ok() {
            self.member.renewed(begun);
        }
        done
    }

    fn turn(&mut self) -> Turn<'_> {
        self.number += 1;
        Turn {
            hub: &self.hub,
            schema: &self.member.schema,
            owner: &self.member.owner,
            number: self.number,
        }
    }

    /// Publishes how far the commit came, then answers: who has an answer finds it in the heads.
    fn acknowledge(&self, group: Vec<Commit>, done: Done) {
        if let Some(heads) = done.heads {
            self.tally.transactions.fetch_add(1, Ordering::Relaxed);
            self.tally.full.store(false, Ordering::Relaxed);
            self.member.publish(heads);
            self.hub.tell(&self.member.schema, heads);
        }
        self.tally.batches.fetch_add(group.len() as u64, Ordering::Relaxed);
        for (Commit { reply, .. }, answer) in group.into_iter().zip(done.answers) {
            // Who has gone meanwhile does not mind.
            let _ = reply.send(answer);
        }
    }

    async fn fail(&mut self, group: Vec<Commit>, failed: Failed) {
        let done = match failed {
            Failed::Undone(error) | Failed::Rejected(error) => {
                if matches!(error, Error::Full(_)) {
                    self.tally.full.store(true, Ordering::Relaxed);
                }
                return answer_failed(group, error);
            }
            Failed::Unknown(done) => done,
        };
        match self.look_up().await {
            Some(true) => self.acknowledge(group, done),
            Some(false) => answer_failed(group, lost()),
            None => {
                tracing::error!(
                    schema = self.member.schema.name(),
                    batches = group.len(),
                    "the database was lost while it committed, and it could not be found out whether it did"
                );
                self.doubts.push((self.number, claimed(&done)));
                for Commit { reply, .. } in group {
                    let _ = reply.send(Err(Error::InDoubt));
                }
            }
        }
    }

    /// Finds out whether the latest commit happened; `None` where the database stays away.
    async fn look_up(&self) -> Option<bool> {
        let begun = Instant::now();
        for failure in 1.. {
            match self.turn_of(self.number).happened().await {
                Ok(happened) => return Some(happened),
                Err(_) if begun.elapsed() > LOOK_FOR => break,
                Err(_) => tokio::time::sleep(LOOK_AGAIN.wait(failure, jitter())).await,
            }
        }
        None
    }

    fn turn_of(&self, number: i64) -> Turn<'_> {
        Turn {
            hub: &self.hub,
            schema: &self.member.schema,
            owner: &self.member.owner,
            number,
        }
    }

    /// Before anything new is committed: jobs that were taken by a commit which nobody was told of go back.
    async fn settle_doubts(&mut self) -> Result<()> {
        while let Some((number, jobs)) = self.doubts.last().cloned() {
            if self.turn_of(number).happened().await? {
                for (job, attempt) in jobs {
                    let back = Settle {
                        job,
                        attempt,
                        verdict: Verdict::HandedBack,
                        trace: None,
                    };
                    let batch = Batch::new(self.clock.now()).with(back);
                    match self.turn().commit(&[&batch]).await {
                        Ok(done) => self.acknowledge(Vec::new(), done),
                        Err(Failed::Undone(error) | Failed::Rejected(error)) => return Err(error),
                        Err(Failed::Unknown(_)) => return Err(lost()),
                    }
                }
            }
            self.doubts.pop();
        }
        Ok(())
    }

    pub(super) async fn reap(&mut self) {
        let now = self.clock.now();
        if self.settle_doubts().await.is_err() {
            return;
        }
        // What a lost reaping came to is found by the next one.
        if let Ok((done, jobs)) = self.turn().reap(now).await {
            self.acknowledge(Vec::new(), done);
            if jobs > 0 {
                tracing::warn!(
                    jobs,
                    schema = self.member.schema.name(),
                    "jobs of dead workers were queued again"
                );
            }
        }
    }
}

/// Jobs that a group took.
fn claimed(done: &Done) -> Vec<(String, u32)> {
    let outcomes = done.answers.iter().flatten().flatten();
    let jobs = outcomes.filter_map(|outcome| match outcome {
        Outcome::Claimed { jobs, .. } => Some(jobs),
        _ => None,
    });
    jobs.flatten().map(|job| (job.id.clone(), job.attempt)).collect()
}

fn prunes(batch: &Batch) -> bool {
    batch.ops.iter().any(|op| matches!(op, Op::Prune(_)))
}

/// A commit that was lost and certainly did not happen.
fn lost() -> Error {
    Error::Unavailable {
        doing: DOING,
        source: "the connection was lost, and nothing of it happened".into(),
    }
}

/// Each gets the error; what cannot be copied is told to the first and named to the others.
fn answer_failed(group: Vec<Commit>, error: Error) {
    let again = |error: &Error| match error {
        Error::Full(what) => Error::Full(what.clone()),
        Error::Busy => Error::Busy,
        Error::Closed => Error::Closed,
        Error::Poisoned(what) => Error::Poisoned(what.clone()),
        Error::Unusable(why) => Error::Unusable(why.clone()),
        Error::InDoubt => Error::InDoubt,
        other => Error::Unavailable {
            doing: DOING,
            source: super::failure::chain(other).into(),
        },
    };
    let mut group = group.into_iter();
    let first = group.next();
    for Commit { reply, .. } in group {
        let _ = reply.send(Err(again(&error)));
    }
    if let Some(Commit { reply, .. }) = first {
        let _ = reply.send(Err(error));
    }
}
