//! Random batches against the model: whatever is done, the durable stores answer and hold what the model does.

mod snapshot;
mod strategy;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::clock::Clock;
use crate::store::conformance::START;
use crate::store::embedded::{Embedded, Options};
use crate::store::memory::Memory;
use crate::store::postgres::cluster::Space;
use crate::store::transfer::violations;
use crate::store::{Batch, Error, Job, Op, Outcome, Refusal, Result, Store};
use crate::wire::JobStatus;
use snapshot::snapshot;
pub(super) use strategy::steps;

/// A batch, and how long after the one before it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) wait: Duration,
    pub(super) ops: Vec<Op>,
}

/// An answer that can be compared.
#[derive(Debug, PartialEq)]
enum Answer {
    Done(Vec<Outcome>),
    Refused(usize, Refusal),
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        // A failure prints its smallest input, which becomes a case of the conformance suite; no file is kept.
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_embedded_store_does_what_the_model_does(steps in steps()) {
        run(check(steps, None))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 12,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_store_opened_again_holds_what_the_model_holds(steps in steps()) {
        let folder = tempfile::tempdir().expect("a folder");
        run(check(steps, Some(folder.path().join("store.db"))))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // Each case makes a schema and asks a server some thousand questions.
        cases: 12,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_store_in_postgresql_does_what_the_model_does(steps in steps()) {
        run(check_postgres(steps))?;
    }
}

fn run(check: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(check)
}

/// Applies each step to both; with a path, the embedded store is closed and opened again between steps.
async fn check(steps: Vec<Step>, path: Option<std::path::PathBuf>) -> Result<(), TestCaseError> {
    let clock = Clock::manual(START);
    let model = Memory::new(clock.clone());
    let open = || {
        let options = Options {
            path: path.clone(),
            clock: clock.clone(),
            owner: "me".to_owned(),
            name: "property".to_owned(),
        };
        Embedded::open(options).expect("it opens")
    };
    let mut embedded = open();
    for Step { wait, ops } in steps {
        clock.advance(wait);
        let batch = Batch { at: clock.now(), ops };
        let expected = answer(model.commit(batch.clone()).await);
        // What is answered before its sync is read and told of after it; the next commit stands behind it.
        let early = matches!(&batch.ops[..], [Op::Claim(claim)] if claim.early);
        prop_assert_eq!(answer(embedded.commit(batch).await), expected);
        if early {
            let nothing = Op::Forget {
                scope: String::new(),
                key: String::new(),
            };
            let behind = embedded.commit(Batch::new(clock.now()).with(nothing)).await;
            prop_assert!(behind.is_ok());
        }
        if path.is_some() {
            embedded.close().await;
            embedded = open();
            let (kept, expected) = (*embedded.heads().borrow(), *model.heads().borrow());
            prop_assert_eq!(
                (kept.seq, kept.event, kept.change),
                (expected.seq, expected.event, expected.change)
            );
        } else {
            prop_assert_eq!(*embedded.heads().borrow(), *model.heads().borrow());
        }
        prop_assert_eq!(snapshot(&embedded).await, snapshot(&model).await);
        check_turns(&model, clock.now())?;
    }
    Ok(())
}

/// No more of a key run than it allows, and nobody who waits for a key is stuck: one of it runs, or one of its name is queued and due.
fn check_turns(model: &Memory, now: DateTime<Utc>) -> Result<(), TestCaseError> {
    let contents = model.dump();
    prop_assert_eq!(violations(&contents), Vec::<String>::new());
    let key = |job: &Job| job.concurrency.as_ref().map(|of| of.key.clone());
    for waits in contents.jobs.iter().filter(|job| job.turn.is_some()) {
        let goes_on = |job: &Job| match job.status {
            JobStatus::Running => true,
            JobStatus::Queued => job.name == waits.name && job.run_at <= now,
            _ => false,
        };
        let mut others = contents.jobs.iter().filter(|job| key(job) == key(waits));
        prop_assert!(others.any(goes_on), "{} is stuck", waits.id);
    }
    Ok(())
}

/// Applies steps two at a time, so that groups are put to the test as well.
async fn check_postgres(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let clock = Clock::manual(START);
    let model = Memory::new(clock.clone());
    let space = Space::shared();
    let store = space.open(&space.schema(), "me", &clock).await;
    for pair in steps.chunks(2) {
        let mut batches = Vec::new();
        for Step { wait, ops } in pair {
            clock.advance(*wait);
            batches.push(Batch {
                at: clock.now(),
                ops: ops.clone(),
            });
        }
        // Sent together: the writer keeps their order, and puts them into one transaction where it can.
        let answers = join_all(batches.iter().map(|batch| store.commit(batch.clone()))).await;
        for (batch, given) in batches.into_iter().zip(answers) {
            prop_assert_eq!(answer(given), answer(model.commit(batch).await));
        }
        prop_assert_eq!(*store.heads().borrow(), *model.heads().borrow());
        prop_assert_eq!(snapshot(&store).await, snapshot(&model).await);
    }
    store.close().await;
    space.end().await;
    Ok(())
}

fn answer(answer: Result<Vec<Outcome>>) -> Answer {
    match answer {
        Ok(outcomes) => Answer::Done(outcomes),
        Err(Error::Refused { op, why }) => Answer::Refused(op, why),
        Err(other) => panic!("the store failed: {other:?}"),
    }
}
