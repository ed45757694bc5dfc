//! A run is the same run wherever its process dies.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::store::fault::Failure;
use syscall_sdk::wire::Workflow;
use syscall_sdk::workflow::Handle;

use super::place::{Disk, Place, on_every_store};
use super::world::{Plan, World, result, rounds, soon, steps};

on_every_store! {
    a_run_that_nobody_disturbs_does_each_step_once,
    a_process_may_die_at_every_commit_and_no_step_is_recorded_twice,
    a_process_may_die_again_and_again,
    an_answer_may_be_lost_at_every_commit_and_no_step_is_recorded_twice,
}

/// Every execution of a step gives another number, so that a step that is done again and written down again shows.
#[derive(Clone, Default)]
struct Effects(Arc<Mutex<BTreeMap<String, u32>>>, Arc<AtomicU32>);

impl Effects {
    async fn of(self, step: &str) -> Result<u32> {
        *self.0.lock().unwrap().entry(step.to_owned()).or_default() += 1;
        Ok(self.1.fetch_add(1, Ordering::SeqCst))
    }
}

/// A run that does one of everything.
fn plan(effects: &Effects) -> Plan {
    let (here, job, child) = (effects.clone(), effects.clone(), effects.clone());
    Plan::default()
        .flow("everything", move |flow, input| everything(flow, input, here.clone()))
        .flow("child", move |flow, _| {
            let effects = child.clone();
            async move {
                Ok(json!(
                    flow.step("in the child", || effects.clone().of("in the child")).await?
                ))
            }
        })
        .job("pack", move |params| {
            let effects = job.clone();
            async move { Ok(json!({ "packed": params, "number": effects.of("pack").await? })) }
        })
}

async fn everything(flow: Handle, input: Value, effects: Effects) -> Result<Value> {
    flow.signal::<()>("begin", None).await?;
    let began = flow.now().await?;
    let chance = flow.random().await?;
    let first = flow.step("first", || effects.clone().of("first")).await?;
    let side = |name: &'static str| -> syscall_sdk::workflow::Branch<'_, u32> {
        let (flow, effects) = (&flow, effects.clone());
        Box::pin(async move { flow.step(name, || effects.clone().of(name)).await })
    };
    let beside = flow.all(vec![side("left"), side("right")]).await?;
    let flaky = flow
        .step("flaky", || {
            let effects = effects.clone();
            async move {
                let number = effects.clone().of("flaky").await?;
                match number % 3 {
                    0 => Ok(number),
                    _ => Err(Error::unavailable("not yet")),
                }
            }
        })
        .backoff(syscall_sdk::policy::Backoff::doubling(
            Duration::from_millis(2),
            Duration::from_millis(4),
        ))
        .attempts(100)
        .await?;
    let packed = flow.job_by_name("pack", Some(input.into())).await?.value();
    let child: u32 = flow.child(&CHILD, &()).await?;
    let approved: Option<bool> = flow.signal("approve", Duration::from_secs(60)).await?;
    let event = flow.wait_event_by_name("order:*", json!({ "id": 7 }), None).await?;
    flow.emit(&DONE, &"it is done".to_owned()).await?;
    flow.sleep(Duration::from_millis(130)).await?;
    let (winner, _) = flow
        .race(vec![
            Box::pin(async { flow.sleep(Duration::from_secs(3_600)).await }) as syscall_sdk::workflow::Branch<'_, ()>,
            Box::pin(async { flow.step("fast", || effects.clone().of("fast")).await.map(drop) }),
        ])
        .await?;
    let last = flow.step("last", || effects.clone().of("last")).await?;
    let event = event.map(|event| event.event);
    Ok(json!([
        began, chance, first, beside, flaky, packed, child, approved, event, winner, last
    ]))
}

const CHILD: syscall_sdk::contract::Flow<(), u32> = syscall_sdk::contract::Flow::new("core", "child");
const DONE: syscall_sdk::contract::Topic<String> = syscall_sdk::contract::Topic::new("core", "all:done");

/// Starts the run and sends it all that it waits for, save that it may begin.
async fn feed(world: &World) {
    world.start("everything", json!({ "order": 7 }), "run").await;
    let _ = world.flows.signal("run", "approve", json!(true).into()).await;
    world
        .events
        .emit("order:paid", Some(json!({ "id": 8 }).into()))
        .await
        .unwrap();
    world
        .events
        .emit("order:paid", Some(json!({ "id": 7 }).into()))
        .await
        .unwrap();
}

/// Lets the run begin, now that the test is ready, and waits for its end.
async fn begun_to_end(world: &World) -> Workflow {
    // It may have begun in an earlier life, or hear of the signal though its sender does not.
    let _ = world.flows.signal("run", "begin", json!(null).into()).await;
    world.ended("run").await
}

fn check(run: &Workflow, effects: &Effects) {
    let value = result(run);
    assert_eq!(
        (&value[7], &value[8], &value[9]),
        (&json!(true), &json!("order:paid"), &json!(1))
    );
    let kept = |name: &str| super::world::step(run, name).result.as_ref().unwrap().value();
    assert_eq!(value[2], kept("first"));
    assert_eq!(value[3], json!([kept("left"), kept("right")]));
    assert_eq!(value[4], kept("flaky"));
    assert_eq!(value[10], kept("last"));
    for (step, times) in effects.0.lock().unwrap().iter() {
        assert!(*times >= 1, "{step}");
    }
}

/// What the journal holds of ended steps.
async fn journalled(world: &World) -> BTreeMap<String, Option<Value>> {
    let Ok(run) = world.flows.get("run").await else {
        return BTreeMap::new();
    };
    let ended = run.steps.into_iter().flatten().filter(|step| step.ended_at.is_some());
    ended
        .map(|step| {
            (
                format!("{}#{}", step.name, step.occurrence),
                step.result.map(|json| json.value()),
            )
        })
        .collect()
}

async fn a_run_that_nobody_disturbs_does_each_step_once(place: &Place) {
    let (disk, effects) = (Disk::new(place), Effects::default());
    let world = disk.boot(&plan(&effects)).await;
    feed(&world).await;
    let run = begun_to_end(&world).await;
    check(&run, &effects);
    for (step, times) in effects.0.lock().unwrap().iter().filter(|(step, _)| *step != "flaky") {
        assert_eq!(*times, 1, "{step} of {:?}", steps(&run));
    }
    let done = world.events.recent("all:*".parse_filter(), None, 10).await.unwrap();
    assert_eq!(done.len(), 1);
    world.kill().await;
}

async fn a_process_may_die_at_every_commit_and_no_step_is_recorded_twice(place: &Place) {
    // Each round dies one commit later than the one before, in a first life; the second goes on to the end.
    let kills = rounds(async |commits| {
        let (disk, effects) = (Disk::new(place), Effects::default());
        let plan = plan(&effects);
        let world = disk.boot(&plan).await;
        feed(&world).await;
        world.store.hold_after(commits);
        let died = tokio::select! {
            () = world.store.waiting(1) => true,
            _ = begun_to_end(&world) => false,
        };
        let before = journalled(&world).await;
        world.kill().await;
        let world = disk.boot(&plan).await;
        let run = begun_to_end(&world).await;
        check(&run, &effects);
        let after = journalled(&world).await;
        for (step, result) in before {
            assert_eq!(after.get(&step), Some(&result), "{step} after {commits} commits");
        }
        let done = world.events.recent("all:*".parse_filter(), None, 10).await.unwrap();
        assert_eq!(done.len(), 1, "after {commits} commits");
        world.kill().await;
        died
    })
    .await;
    assert!(kills > 15, "only {kills} kills");
}

async fn a_process_may_die_again_and_again(place: &Place) {
    let (disk, effects) = (Disk::new(place), Effects::default());
    let plan = plan(&effects);
    let mut seen = BTreeMap::new();
    let mut lives = 0;
    loop {
        let world = disk.boot(&plan).await;
        if lives == 0 {
            feed(&world).await;
        }
        lives += 1;
        // A claim and two more; a life that claims in vain as often as that is followed by one that may do more.
        world.store.hold_after(3 + lives / 8);
        let died = tokio::select! {
            () = world.store.waiting(1) => true,
            _ = begun_to_end(&world) => false,
        };
        for (step, result) in journalled(&world).await {
            let first = seen.entry(step.clone()).or_insert_with(|| result.clone());
            assert_eq!(*first, result, "{step} in life {lives}");
        }
        if !died {
            check(&world.flows.get("run").await.unwrap(), &effects);
            world.kill().await;
            break;
        }
        world.kill().await;
        assert!(lives < 100, "it does not come further");
    }
    assert!(lives > 5, "only {lives} lives");
}

async fn an_answer_may_be_lost_at_every_commit_and_no_step_is_recorded_twice(place: &Place) {
    let lost = rounds(async |commits| {
        let (disk, effects) = (Disk::new(place), Effects::default());
        let world = disk.boot(&plan(&effects)).await;
        feed(&world).await;
        world.store.lose_answer_after(commits, Failure::Busy);
        let run = soon(begun_to_end(&world)).await;
        check(&run, &effects);
        for (step, times) in effects.0.lock().unwrap().iter().filter(|(step, _)| *step != "flaky") {
            assert!(
                *times == 1 || step == "pack",
                "{step} was done {times} times after {commits} commits"
            );
        }
        let lost = world.store.counts().unanswered;
        world.kill().await;
        lost > 0
    })
    .await;
    assert!(lost > 15, "only {lost} answers were lost");
}

/// Reads a filter in a test.
trait ParseFilter {
    fn parse_filter(&self) -> syscall_sdk::name::TopicFilter;
}

impl ParseFilter for str {
    fn parse_filter(&self) -> syscall_sdk::name::TopicFilter {
        syscall_sdk::name::TopicFilter::parse(Some(self)).unwrap()
    }
}
