//! Two replicas of a service on one schema, of which one dies: the other goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use syscall_sdk::error::Result;
use syscall_sdk::store::{Scan, Store};
use tokio::sync::Semaphore;

use super::place::{Disk, Place, in_postgresql};
use super::world::{Plan, World, result, soon, steps};

in_postgresql! {
    a_killed_replicas_run_goes_on_in_the_other_and_each_step_is_recorded_once,
    what_a_replica_still_does_of_a_run_that_goes_on_elsewhere_is_refused,
    a_run_at_rest_whose_replica_died_is_woken_at_the_other,
    a_crowd_of_runs_outlives_the_replica_that_had_half_of_them,
}

/// What the steps of a test did, in whichever replica: how often each was done.
#[derive(Clone)]
struct Effects {
    done: Arc<Mutex<BTreeMap<String, u32>>>,
    /// Told by the first to do the step in the middle, which never comes to its end.
    begun: Arc<Semaphore>,
}

impl Effects {
    fn new() -> Self {
        Effects {
            done: Arc::default(),
            begun: Arc::new(Semaphore::new(0)),
        }
    }

    fn count(&self, step: &str) -> u32 {
        let mut done = self.done.lock().unwrap();
        let count = done.entry(step.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// A step that hangs the first time, wherever it is done.
    async fn middle(self) -> Result<u32> {
        match self.count("middle") {
            1 => {
                self.begun.add_permits(1);
                std::future::pending().await
            }
            number => Ok(number),
        }
    }

    async fn begun(&self) {
        soon(self.begun.acquire()).await.unwrap().forget();
    }
}

/// Three steps, of which the one in the middle hangs the first time.
fn hanging(effects: &Effects) -> Plan {
    let effects = effects.clone();
    Plan::default().flow("three", move |flow, _| {
        let effects = effects.clone();
        async move {
            let first = flow.step("first", async || Ok(effects.count("first"))).await?;
            let middle = flow.step("middle", || effects.clone().middle()).await?;
            let last = flow.step("last", async || Ok(effects.count("last"))).await?;
            Ok(json!([first, middle, last]))
        }
    })
}

/// The replica that runs a run, and the other.
async fn who_runs(run: &str, one: World, two: World) -> (World, World) {
    let job = one.store.job(run).await.unwrap().unwrap();
    if job.owner.as_ref() == Some(&one.owner) {
        (one, two)
    } else {
        (two, one)
    }
}

/// How often each entry of a journal was written.
async fn versions(world: &World, run: &str) -> BTreeMap<String, u64> {
    let scan = Scan {
        namespace: "kernel.flow".to_owned(),
        prefix: syscall_sdk::name::Prefix::new(format!("run/{run}/step/")).unwrap(),
        after: None,
        limit: 100,
    };
    let page = world.store.scan(scan).await.unwrap();
    let step = |key: &str| key.rsplit('/').next().unwrap().to_owned();
    page.iter().map(|entry| (step(&entry.key), entry.version)).collect()
}

async fn a_killed_replicas_run_goes_on_in_the_other_and_each_step_is_recorded_once(place: &Place) {
    let (disk, effects) = (Disk::new(place), Effects::new());
    let plan = hanging(&effects);
    let (one, two) = (disk.boot(&plan).await, disk.boot(&plan).await);
    one.start("three", json!(null), "run").await;
    effects.begun().await;
    let (runs, other) = who_runs("run", one, two).await;
    runs.kill().await;
    let run = other.ended("run").await;
    assert_eq!(result(&run), json!([1, 2, 1]), "{:?}", steps(&run));
    let once = ["first#0", "last#0", "middle#0"].map(|step| (step.to_owned(), 1));
    assert_eq!(versions(&other, "run").await, BTreeMap::from(once));
    other.kill().await;
}

async fn what_a_replica_still_does_of_a_run_that_goes_on_elsewhere_is_refused(place: &Place) {
    let (disk, effects) = (Disk::new(place), Effects::new());
    let plan = hanging(&effects);
    let (one, two) = (disk.boot(&plan).await, disk.boot(&plan).await);
    one.start("three", json!(null), "run").await;
    effects.begun().await;
    let (slow, other) = who_runs("run", one, two).await;
    // From here on whatever the slow one does hangs on its way to the database.
    slow.store.hold();
    other.flows.cancel("run").await.unwrap();
    other.flows.resume("run").await.unwrap();
    let run = other.ended("run").await;
    assert_eq!(result(&run), json!([1, 2, 1]));
    let written = versions(&other, "run").await;
    slow.store.release();
    let heard = slow.ended("run").await;
    assert_eq!(heard, run);
    slow.kill().await;
    assert_eq!(other.flows.get("run").await.unwrap(), run);
    assert_eq!(versions(&other, "run").await, written);
    other.kill().await;
}

async fn a_run_at_rest_whose_replica_died_is_woken_at_the_other(place: &Place) {
    let disk = Disk::new(place);
    let plan = Plan::default().flow("wait", |flow, _| async move {
        let who: Option<String> = flow.signal("who", None).await?;
        Ok(json!(who))
    });
    let one = disk.boot(&plan).await;
    one.start("wait", json!(null), "run").await;
    one.resting_at("run", "signal who").await;
    let two = disk.boot(&plan).await;
    one.kill().await;
    let sent = two.flows.signal("run", "who", json!("Ann").into()).await.unwrap();
    assert!(sent.first);
    assert_eq!(result(&two.ended("run").await), json!("Ann"));
    two.kill().await;
}

/// Runs that are under way at once in the two replicas.
const RUNS: usize = 12;
/// Steps of each.
const STEPS: usize = 6;

async fn a_crowd_of_runs_outlives_the_replica_that_had_half_of_them(place: &Place) {
    let disk = Disk::new(place);
    let effects = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&effects);
    let plan = Plan::default()
        .flow("crowd", move |flow, _| {
            let count = Arc::clone(&count);
            async move {
                let mut numbers = Vec::new();
                for step in 0..STEPS {
                    let next = async || Ok(count.fetch_add(1, Ordering::SeqCst));
                    numbers.push(flow.step(format!("step {step}"), next).await?);
                    flow.job_by_name("pack", Some(json!(step).into())).await?;
                }
                Ok(json!(numbers))
            }
        })
        .job("pack", async |params| Ok(params));
    let (one, two) = (disk.boot(&plan).await, disk.boot(&plan).await);
    let ids: Vec<_> = (0..RUNS).map(|run| format!("run-{run}")).collect();
    for id in &ids {
        one.start("crowd", json!(null), id).await;
    }
    one.store.hold_after(20);
    soon(one.store.waiting(1)).await;
    let mut before = BTreeMap::new();
    for id in &ids {
        before.insert(id, journalled(&two, id).await);
    }
    one.kill().await;
    let mut numbers = Vec::new();
    for id in &ids {
        let run = two.ended(id).await;
        let results: Vec<u32> = serde_json::from_value(result(&run)).unwrap();
        let after = journalled(&two, id).await;
        for (step, kept) in &before[id] {
            assert_eq!(after.get(step), Some(kept), "{step} of {id}");
        }
        for (step, number) in results.iter().enumerate() {
            assert_eq!(after[&format!("step {step}#0")], json!(number), "{id}");
        }
        let twice: Vec<_> = versions(&two, id)
            .await
            .into_iter()
            .filter(|(step, version)| step.starts_with("step") && *version != 1)
            .collect();
        assert!(twice.is_empty(), "{id}: {twice:?}");
        numbers.extend(results);
    }
    let distinct: std::collections::BTreeSet<_> = numbers.iter().collect();
    assert_eq!((numbers.len(), distinct.len()), (RUNS * STEPS, RUNS * STEPS));
    two.kill().await;
}

/// What the journal of a run holds of ended steps.
async fn journalled(world: &World, id: &str) -> BTreeMap<String, Value> {
    let run = world.flows.get(id).await.unwrap();
    let ended = run.steps.into_iter().flatten().filter(|step| step.ended_at.is_some());
    ended
        .map(|step| {
            let result = step.result.map_or(json!(null), |json| json.value());
            (format!("{}#{}", step.name, step.occurrence), result)
        })
        .collect()
}
