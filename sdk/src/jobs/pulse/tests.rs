use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{advance, timeout};
use tracing::Span;

use super::*;
use crate::clock::Clock;
use crate::jobs::{JobHandler, Paused, Run, Runner, RunnerOptions, TaskDefaults};
use crate::lifecycle::Scope;
use crate::store::fault::{Failure, Fault};
use crate::store::memory::Memory;
use crate::store::{Batch, Store};
use crate::wire::{CreateJob, PauseJobs};

/// A runner over a store that fails as it is told, with one handler that waits for its cancel where it is told to.
struct World {
    store: Arc<Fault>,
    beneath: Arc<Memory>,
    jobs: Jobs,
    scope: Scope,
    clock: Clock,
}

impl World {
    fn start() -> Self {
        let clock = Clock::system();
        let beneath = Arc::new(Memory::new(clock.clone()));
        let store = Arc::new(Fault::new(Arc::clone(&beneath) as Arc<dyn Store>));
        let defaults = TaskDefaults {
            concurrency: 1,
            ..TaskDefaults::default()
        };
        let known = BTreeMap::from([("quick".to_owned(), defaults), ("long".to_owned(), defaults)]);
        let jobs = Jobs::new(Arc::clone(&store) as Arc<dyn Store>, clock.clone(), known);
        let quick: JobHandler = Arc::new(|_: Run| Box::pin(async { Ok(None) }));
        let long: JobHandler = Arc::new(|run: Run| {
            Box::pin(async move {
                run.cancelled.cancelled().await;
                Ok(None)
            })
        });
        let options = RunnerOptions {
            owner: "me".to_owned(),
            handlers: BTreeMap::from([("quick".to_owned(), quick), ("long".to_owned(), long)]),
            concurrency: 2,
        };
        let scope = Scope::new("test", Span::none());
        let runner = Runner::new(jobs.clone(), options, scope.child("runner"), scope.child("attempts"));
        scope.spawn("runner", runner.run());
        World {
            store,
            beneath,
            jobs,
            scope,
            clock,
        }
    }

    /// Creates a job past the faults, as another replica would.
    async fn create(&self, name: &str) -> String {
        let create = CreateJob {
            name: name.to_owned(),
            ..CreateJob::default()
        };
        let op = self.jobs.create_op(create).unwrap();
        let outcomes = self
            .beneath
            .commit(Batch::new(self.clock.now()).with(op))
            .await
            .unwrap();
        match &outcomes[0] {
            crate::store::Outcome::Job(job) => job.id.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass in steps in which every task gets its turn.
    async fn pass(&self, most: Duration) {
        let end = Instant::now() + most;
        while Instant::now() < end {
            advance(Duration::from_secs(1)).await;
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_not_answered_stalls_the_queue_and_then_hangs() {
    let world = World::start();
    world.pass(Duration::from_secs(1)).await;
    world.store.hold();
    world.create("quick").await;
    world.pass(STALLED_AFTER - Duration::from_secs(10)).await;
    assert_eq!(world.jobs.pulse().stalled(), None, "it may be slow");
    world.pass(Duration::from_secs(12)).await;
    let stall = world.jobs.pulse().stalled().expect("it is stalled");
    assert_eq!((stall.what, &stall.refused), ("taking due jobs", &None));
    assert!(
        stall.sentence().contains("no answer of the store for 6"),
        "{}",
        stall.sentence()
    );
    let pulse = world.jobs.pulse().clone();
    assert!(
        timeout(HUNG_AFTER - Duration::from_secs(120), pulse.hung())
            .await
            .is_err()
    );
    let hung = timeout(Duration::from_secs(150), pulse.hung()).await.expect("it hangs");
    assert!(hung.lasts >= HUNG_AFTER);
    world.store.release();
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(pulse.waits(), None, "what is answered is forgotten");
    world.scope.stop(Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_stalls_the_queue_and_never_hangs() {
    let world = World::start();
    world.pass(Duration::from_secs(1)).await;
    world.store.lose_commits(u64::MAX, Failure::Busy);
    world.create("quick").await;
    world.pass(HUNG_AFTER * 2).await;
    let stall = world.jobs.pulse().stalled().expect("it is stalled");
    assert!(
        stall.refused.is_some() && stall.sentence().contains("the store says: "),
        "{}",
        stall.sentence()
    );
    assert!(timeout(HUNG_AFTER, world.jobs.pulse().hung()).await.is_err());
    world.scope.stop(Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_written_stalls_the_queue() {
    let world = World::start();
    world.pass(Duration::from_secs(1)).await;
    // The claim goes through, and the outcome does not.
    world.store.hold_after(1);
    world.create("quick").await;
    world.pass(STALLED_AFTER + Duration::from_secs(5)).await;
    assert!(world.jobs.pulse().stalled().is_some());
    world.store.release();
    world.pass(Duration::from_secs(2)).await;
    assert_eq!(world.jobs.pulse().waits(), None);
    world.scope.stop(Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_idle_paused_full_or_slow_is_not_stalled() {
    let world = World::start();
    let ten_minutes = Duration::from_secs(600);
    world.pass(ten_minutes).await;
    assert_eq!(world.jobs.pulse().waits(), None, "idle");
    world
        .jobs
        .pause(Paused::Name("quick"), PauseJobs::default())
        .await
        .unwrap();
    world.create("quick").await;
    world.pass(ten_minutes).await;
    assert_eq!(world.jobs.pulse().waits(), None, "paused");
    // One runs long, and another waits for its slot.
    world.create("long").await;
    world.create("long").await;
    world.pass(ten_minutes).await;
    assert_eq!(world.jobs.pulse().waits(), None, "full");
    world.scope.stop(Duration::ZERO).await;
}
