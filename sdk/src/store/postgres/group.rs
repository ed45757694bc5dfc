//! One transaction: lock the numbers and load what may be touched, apply in memory, write what changed and commit.
//!
//! Two round trips, however many batches share it. The lock puts the commits of all replicas in one order, so the sequence has
//! no gaps and nobody sees a later number before an earlier one; and what was loaded under it stays true until the commit.

use std::time::Duration;

use super::database::Hub;
use super::failure::Fault;
use super::lease;
use super::link::Link;
use super::load::{self, Kind, Needs};
use super::meta::Meta;
use super::prune;
use super::query::Schema;
use super::turns;
use super::write;
use crate::store::memory::State;
use crate::store::{Batch, Error, Heads, Op, Outcome, Result, rules};

/// How long one round trip of a group may take, with the wait for the groups of other replicas.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
pub(super) const DOING: &str = "committing";

/// What a group came to.
pub(super) struct Done {
    /// How far commits have come; `None` where nothing was written.
    pub(super) heads: Option<Heads>,
    /// One answer a batch.
    pub(super) answers: Vec<Result<Vec<Outcome>>>,
}

/// Why a group was not done.
pub(super) enum Failed {
    /// Nothing of it happened.
    Undone(Error),
    /// Nothing of it happened, and one of the batches may be why.
    Rejected(Error),
    /// The connection was lost while it committed; this is what it came to if it did.
    Unknown(Done),
}

impl Failed {
    /// For what failed before the commit was sent.
    fn before_commit(fault: Fault) -> Self {
        match fault {
            Fault::Lost(_) => Failed::Undone(fault.into_error(DOING)),
            _ => match fault.into_error(DOING) {
                error @ Error::Backend { .. } => Failed::Rejected(error),
                error => Failed::Undone(error),
            },
        }
    }
}

/// Who commits, and under which number.
pub(super) struct Turn<'a> {
    pub(super) hub: &'a Hub,
    pub(super) schema: &'a Schema,
    pub(super) owner: &'a str,
    pub(super) number: i64,
}

impl Turn<'_> {
    /// Commits batches together, each whole or not at all.
    pub(super) async fn commit(&self, batches: &[&Batch]) -> Result<Done, Failed> {
        let mut needs = Needs::default();
        for batch in batches {
            batch.ops.iter().for_each(|op| needs.add(op, batch.at));
        }
        let link = self.hub.pool.get(DOING).await.map_err(Failed::Undone)?;
        let (meta, mut state) = match self.begin(&link, &needs).await {
            // A connection that died while it was idle is no news of the database; nothing has been sent that could last.
            Err(Fault::Lost(_)) => {
                drop(link);
                return self.commit_anew(batches, &needs).await;
            }
            other => other.map_err(Failed::before_commit)?,
        };
        self.apply(&link, &meta, &mut state, batches).await
    }

    async fn commit_anew(&self, batches: &[&Batch], needs: &Needs<'_>) -> Result<Done, Failed> {
        let link = self.hub.pool.get(DOING).await.map_err(Failed::Undone)?;
        let (meta, mut state) = self.begin(&link, needs).await.map_err(Failed::before_commit)?;
        self.apply(&link, &meta, &mut state, batches).await
    }

    async fn apply(&self, link: &Link, meta: &Meta, state: &mut State, batches: &[&Batch]) -> Result<Done, Failed> {
        let before = state.clone();
        let answers = batches.iter().map(|batch| state.commit(batch)).collect();
        self.finish(link, (meta, false), &before, state, answers).await
    }

    /// Begins: takes the numbers and loads what is needed.
    async fn begin(&self, link: &Link, needs: &Needs<'_>) -> Result<(Meta, State), Fault> {
        let (kinds, mut queries): (Vec<_>, Vec<_>) = needs.queries().into_iter().unzip();
        queries.insert(0, Meta::lock());
        let begin = link.begin();
        let answers = link
            .pipeline(self.schema, Some(&begin), &queries, None, DEADLINE)
            .await?;
        let mut answers = answers.into_iter();
        let meta = Meta::read(&answers.next().unwrap_or_default())?;
        let mut state = meta.state();
        for (kind, rows) in kinds.into_iter().zip(answers) {
            load::fill(&mut state, kind, rows)?;
        }
        state.end_batch(true);
        Ok((meta, state))
    }

    /// Writes what changed, and commits; unless nothing did, also by what the open transaction `wrote` before.
    async fn finish(
        &self,
        link: &Link,
        (meta, wrote): (&Meta, bool),
        before: &State,
        after: &State,
        answers: Vec<Result<Vec<Outcome>>>,
    ) -> Result<Done, Failed> {
        let mut queries = write::queries(before, after);
        let next = meta.after(before, after);
        if !wrote && queries.is_empty() && next.marks.heads == meta.marks.heads {
            link.end("ROLLBACK", DEADLINE).await.map_err(Failed::before_commit)?;
            return Ok(Done { heads: None, answers });
        }
        queries.push(next.save());
        queries.push(lease::renew(self.owner, self.number));
        let done = Done {
            heads: Some(next.marks.heads),
            answers,
        };
        match link
            .pipeline(self.schema, None, &queries, Some("COMMIT"), DEADLINE)
            .await
        {
            Ok(_) => Ok(done),
            Err(Fault::Lost(_)) => Err(Failed::Unknown(done)),
            Err(fault) => Err(Failed::before_commit(fault)),
        }
    }

    /// Commits a batch that prunes, alone: what comes before a slice is written before it, and what comes after is loaded after it.
    pub(super) async fn commit_pruning(&self, batch: &Batch) -> Result<Done, Failed> {
        let link = self.hub.pool.get(DOING).await.map_err(Failed::Undone)?;
        let failed = Failed::before_commit;
        let (first, _) = self.begin(&link, &Needs::default()).await.map_err(failed)?;
        let (mut meta, mut outcomes) = (first, Vec::new());
        let mut rest = &batch.ops[..];
        while let Some(op) = rest.first() {
            if let Op::Prune(retention) = op {
                let dropped = prune::prune(&link, self.schema, &mut meta, retention, batch.at, DEADLINE).await;
                outcomes.push(Outcome::Pruned(dropped.map_err(failed)?));
                rest = &rest[1..];
                continue;
            }
            let until = rest
                .iter()
                .position(|op| matches!(op, Op::Prune(_)))
                .unwrap_or(rest.len());
            let part = Batch {
                at: batch.at,
                ops: rest[..until].to_vec(),
            };
            match self.part(&link, &mut meta, &part).await.map_err(failed)? {
                Ok(done) => outcomes.extend(done),
                Err(error) => {
                    link.end("ROLLBACK", DEADLINE).await.map_err(failed)?;
                    let answer = match error {
                        Error::Refused { op, why } => Error::Refused {
                            op: op + outcomes.len(),
                            why,
                        },
                        other => other,
                    };
                    return Ok(Done {
                        heads: None,
                        answers: vec![Err(answer)],
                    });
                }
            }
            rest = &rest[until..];
        }
        // Counted for the batch as a whole, not part by part.
        let heads = &mut meta.marks.heads;
        (heads.jobs, heads.job_updates, heads.plans) = {
            let counted = first.marks.heads;
            (counted.jobs, counted.job_updates, counted.plans)
        };
        rules::count_jobs(heads, &batch.ops, &outcomes);
        let (before, after) = (first.state(), meta.state());
        let begun = Meta {
            marks: first.marks,
            ..meta
        };
        let wrote = batch.ops.iter().any(|op| !matches!(op, Op::Prune(_)));
        self.finish(&link, (&begun, wrote), &before, &after, vec![Ok(outcomes)])
            .await
    }

    /// Applies a part of a batch inside the open transaction and writes it down.
    async fn part(&self, link: &Link, meta: &mut Meta, part: &Batch) -> Result<Result<Vec<Outcome>>, Fault> {
        let mut needs = Needs::default();
        part.ops.iter().for_each(|op| needs.add(op, part.at));
        let (kinds, queries): (Vec<_>, Vec<_>) = needs.queries().into_iter().unzip();
        let answers = link.pipeline(self.schema, None, &queries, None, DEADLINE).await?;
        let mut state = meta.state();
        for (kind, rows) in kinds.into_iter().zip(answers) {
            load::fill(&mut state, kind, rows)?;
        }
        state.end_batch(true);
        let before = state.clone();
        let answer = state.commit(part);
        if answer.is_ok() {
            let queries = write::queries(&before, &state);
            link.pipeline(self.schema, None, &queries, None, DEADLINE).await?;
            *meta = meta.after(&before, &state);
        }
        Ok(answer)
    }

    /// Takes the jobs of the dead from them, in the transaction that marks them so; says how many.
    pub(super) async fn reap(&self, at: chrono::DateTime<chrono::Utc>) -> Result<(Done, usize), Failed> {
        let link = self.hub.pool.get(DOING).await.map_err(Failed::Undone)?;
        let failed = Failed::before_commit;
        let [bury, orphans, forget] = lease::bury(self.owner);
        let begin = link.begin();
        let (running, turns) = (turns::running(), turns::of_orphans(self.owner));
        let queries = [Meta::lock(), bury, orphans, running, turns, forget];
        let answers = link
            .pipeline(self.schema, Some(&begin), &queries, None, DEADLINE)
            .await
            .map_err(failed)?;
        let mut answers = answers.into_iter();
        let mut rows = || answers.next().unwrap_or_default();
        let (meta, _, orphans) = (Meta::read(&rows()).map_err(failed)?, rows(), rows());
        let mut state = meta.state();
        load::fill(&mut state, Kind::Running, rows()).map_err(failed)?;
        load::fill(&mut state, Kind::Jobs, rows()).map_err(failed)?;
        let (before, count) = lease::interrupt(&mut state, &orphans, at).map_err(failed)?;
        let mut queries = write::queries(&before, &state);
        let next = meta.after(&before, &state);
        queries.push(next.save());
        queries.push(lease::renew(self.owner, self.number));
        let done = Done {
            heads: Some(next.marks.heads),
            answers: Vec::new(),
        };
        match link
            .pipeline(self.schema, None, &queries, Some("COMMIT"), DEADLINE)
            .await
        {
            Ok(_) => Ok((done, count)),
            Err(Fault::Lost(_)) => Err(Failed::Unknown(done)),
            Err(fault) => Err(failed(fault)),
        }
    }

    /// Whether the commit of this turn happened; the lock is waited for, since the server may still be at it.
    pub(super) async fn happened(&self) -> Result<bool> {
        let link = self.hub.pool.get(DOING).await?;
        let begin = link.begin();
        let queries = [Meta::lock(), lease::commits(self.owner)];
        let answers = link
            .pipeline(self.schema, Some(&begin), &queries, Some("ROLLBACK"), DEADLINE)
            .await;
        let answers = answers.map_err(|fault| fault.into_error(DOING))?;
        let last = lease::read_commits(&answers[1]).map_err(|fault| fault.into_error(DOING))?;
        Ok(last == self.number)
    }
}
