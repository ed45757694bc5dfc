//! Filling a store through its own commits, which is the only way that leaves it as work leaves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use syscall_sdk::events::Events;
use syscall_sdk::store::{Batch, Claim, Condition, Op, Outcome, Put, Settle, Verdict, Want};

use crate::life::{JOB, Life, job, payload};

/// Rows of a commit.
const BATCH: u64 = 500;
/// Who commits at once, so that the writer never waits.
const HANDS: usize = 4;
/// Topics of the events, and folders of the keys.
const KINDS: u64 = 100;

/// Brings the store to so many ended jobs and events.
pub(super) async fn logs(life: &Arc<Life>, size: u64) {
    let stats = life.store.stats().await.expect("it is read");
    let ended = size.saturating_sub(stats.jobs_ended);
    by_hands(life, "ended jobs", ended, |life, first, count| async move {
        enqueue(&life, first, count).await;
        end(&life, count).await;
    })
    .await;
    let events = size.saturating_sub(stats.events);
    by_hands(life, "events", events, |life, first, count| async move {
        let ops = (first..first + count).map(|n| {
            let emit = Events::emit_op(&format!("order:placed-{}", n % KINDS), Some(payload(n)));
            Op::Emit(emit.expect("a topic"))
        });
        commit(&life, ops.collect()).await;
    })
    .await;
}

/// Brings the store to so many keys and jobs that wait.
pub(super) async fn the_rest(life: &Arc<Life>, size: u64) {
    let stats = life.store.stats().await.expect("it is read");
    let keys = size.saturating_sub(stats.keys);
    by_hands(life, "keys", keys, |life, first, count| async move {
        let ops = (first..first + count).map(|n| {
            Op::Put(Put {
                namespace: "wire".to_owned(),
                key: format!("order/{}/{n}", n % KINDS),
                value: payload(n),
                condition: Condition::Any,
                expires_at: None,
            })
        });
        commit(&life, ops.collect()).await;
    })
    .await;
    let waiting = size.saturating_sub(stats.jobs_live);
    by_hands(life, "waiting jobs", waiting, |life, first, count| async move {
        enqueue(&life, first, count).await;
    })
    .await;
}

/// Shares rows out in batches.
async fn by_hands<F, Fut>(life: &Arc<Life>, what: &str, rows: u64, work: F)
where
    F: Fn(Arc<Life>, u64, u64) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    if rows == 0 {
        return;
    }
    let (begun, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut hands = tokio::task::JoinSet::new();
    for _ in 0..HANDS {
        let (life, next) = (Arc::clone(life), Arc::clone(&next));
        hands.spawn(async move {
            loop {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                if first >= rows {
                    return;
                }
                work(Arc::clone(&life), first, BATCH.min(rows - first)).await;
            }
        });
    }
    while let Some(done) = hands.join_next().await {
        done.expect("a hand does not panic");
    }
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{rows} {what} in {seconds:.0} s, {:.0}/s", rows as f64 / seconds);
}

async fn commit(life: &Life, ops: Vec<Op>) -> Vec<Outcome> {
    let at = life.clock.now();
    life.store.commit(Batch { at, ops }).await.expect("the store takes it")
}

async fn enqueue(life: &Life, first: u64, count: u64) {
    let ops = (first..first + count).map(|n| life.jobs.create_op(job(n)).expect("the job is known"));
    commit(life, ops.collect()).await;
}

/// Takes jobs that wait and completes them, whosever they are.
pub(super) async fn end(life: &Life, count: u64) {
    let jobs = claim(life, count as usize).await;
    let ops = jobs.into_iter().map(|(job, attempt)| {
        Op::Settle(Settle {
            job,
            attempt,
            verdict: Verdict::Completed { result: None },
            trace: None,
        })
    });
    commit(life, ops.collect()).await;
}

/// Takes jobs that wait; each with its attempt.
pub(super) async fn claim(life: &Life, count: usize) -> Vec<(String, u32)> {
    let claim = Claim {
        owner: "bench".to_owned(),
        wants: vec![Want {
            name: JOB.to_owned(),
            slots: count,
            rate: None,
        }],
        limit: count,
        // Answered when it is durable, as who runs jobs elsewhere has it.
        early: false,
    };
    match commit(life, vec![Op::Claim(claim)]).await.pop() {
        Some(Outcome::Claimed { jobs, .. }) => jobs.into_iter().map(|job| (job.id, job.attempt)).collect(),
        other => panic!("a claim came to {other:?}"),
    }
}
