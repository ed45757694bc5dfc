//! Holding what is there against what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::effects::{Attempt, Effects};
use crate::ledger::{Kept, Ledger};
use crate::load::COUNTER;
use crate::worker::STEP_NAMES;

/// From a handler's death to the end of its lease, at least: a process that has not renewed for 7 s of the 10 stops its handlers itself.
const LEASE_MS: u128 = 3_000;
/// How often an end is asked for, 50 ms apart: longer than leases, retries and a busy machine take together.
const LOOKS: u32 = 1_800;
/// Runs whose journals are read after a kill: the latest, of which some are under way.
const JOURNALS: usize = 12;

/// What has been looked at so far.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    events: usize,
    jobs: usize,
    runs: usize,
    /// Run and step to the result that was found written down.
    journal: BTreeMap<(String, String), Value>,
    pub(crate) lost: u64,
    pub(crate) faults: Vec<String>,
}

impl Audit {
    fn lost(&mut self, what: String) {
        self.lost += 1;
        self.faults.push(format!("{what} was acknowledged and is gone"));
    }

    /// Looks for what was acknowledged since the last look.
    pub(crate) async fn look(&mut self, client: &Client, ledger: &Ledger) {
        let (state, counter, events, jobs, runs) = {
            let kept = ledger.kept.lock().unwrap();
            (
                kept.state.clone(),
                kept.counter,
                kept.events[self.events..].to_vec(),
                kept.jobs[self.jobs..].to_vec(),
                kept.runs[self.runs..].to_vec(),
            )
        };
        for (key, (version, value)) in state {
            let entry = client
                .get(&format!("/v1/sys/state?key={}", key.replace('/', "%2F")))
                .await;
            let found = entry.as_ref().map_or((0, 0), |entry| {
                (entry["version"].as_u64().unwrap(), entry["value"].as_u64().unwrap())
            });
            // A write may have happened whose acknowledgement went with the process.
            if found.0 < version || (found.0 == version && found.1 != value) {
                self.lost(format!("version {version} of {key}, {value} (there is {found:?})"));
            }
        }
        let entry = client.get(&format!("/v1/sys/state?key={COUNTER}")).await;
        let found = entry.map_or(0, |entry| entry["value"].as_u64().unwrap());
        if found < counter {
            self.lost(format!("the counter's {counter} (there is {found})"));
        }
        self.look_for_events(client, &events).await;
        for job in &jobs {
            if client.get(&format!("/v1/sys/job/{job}")).await.is_none() {
                self.lost(format!("the job {job}"));
            }
        }
        for run in runs.iter().rev().take(JOURNALS) {
            match client.get(&format!("/v1/sys/workflow/{run}")).await {
                Some(shown) => self.read_journal(run, &shown),
                None => self.lost(format!("the run {run}")),
            }
        }
        self.events += events.len();
        self.jobs += jobs.len();
        self.runs += runs.len();
    }

    async fn look_for_events(&mut self, client: &Client, wanted: &[String]) {
        let mut missing: BTreeSet<&String> = wanted.iter().collect();
        let mut before = String::new();
        while !missing.is_empty() {
            let path = format!("/v1/sys/events/recent?event=chaos:test&limit=1000{before}");
            let page = client.get(&path).await.unwrap();
            for event in page["events"].as_array().unwrap() {
                missing.remove(&event["id"].as_str().unwrap().to_owned());
            }
            match page["cursor"].as_str() {
                Some(cursor) => before = format!("&before={cursor}"),
                None => break,
            }
        }
        for event in missing {
            self.lost(format!("the event {event}"));
        }
    }

    /// A result that is written down stays what it is.
    fn read_journal(&mut self, run: &str, shown: &Value) {
        let steps = shown["steps"].as_array().unwrap().iter();
        for step in steps.filter(|step| step["status"] == "completed" && step["kind"] == "step") {
            let key = (run.to_owned(), step["name"].as_str().unwrap().to_owned());
            let found = step["result"].clone();
            if let Some(before) = self
                .journal
                .insert(key, found.clone())
                .filter(|before| *before != found)
            {
                let fault = format!("the step {} of {run} came to {before} and now to {found}", step["name"]);
                self.faults.push(fault);
            }
        }
    }

    /// Looks at everything once more, when all work is done.
    pub(crate) async fn end(&mut self, client: &Client, ledger: &Ledger, effects: &std::path::Path) {
        (self.events, self.jobs, self.runs) = (0, 0, 0);
        self.look(client, ledger).await;
        let Kept { jobs, runs, .. } = std::mem::take(&mut *ledger.kept.lock().unwrap());
        let mut ended = Vec::new();
        for job in &jobs {
            ended.push(completed(client, &format!("/v1/sys/job/{job}")).await);
        }
        let mut finished = Vec::new();
        for run in &runs {
            finished.push(completed(client, &format!("/v1/sys/workflow/{run}")).await);
        }
        let effects = Effects::read(effects);
        for (id, job) in jobs.iter().zip(ended) {
            match job {
                Some(job) => self.check_job(id, &job, &effects),
                None => self.faults.push(format!("the job {id} does not complete")),
            }
        }
        for (id, run) in runs.iter().zip(finished) {
            match run {
                Some(run) => self.check_run(id, &run, &effects),
                None => self.faults.push(format!("the run {id} does not complete")),
            }
        }
    }

    /// One record of its end, of an attempt that left its mark.
    fn check_job(&mut self, id: &str, job: &Value, effects: &Effects) {
        let attempts = job["attempts"].as_array().unwrap();
        let ends = attempts
            .iter()
            .filter(|attempt| attempt["outcome"] == "completed")
            .count();
        if ends != 1 || attempts.last().unwrap()["outcome"] != "completed" {
            self.faults
                .push(format!("the job {id} has ended {ends} times: {attempts:?}"));
        }
        let marks = effects.jobs.get(id).map(Vec::as_slice).unwrap_or_default();
        let noted = marks
            .iter()
            .any(|mark| Some(mark.value.as_str()) == job["result"].as_str());
        if !noted {
            self.faults
                .push(format!("the job {id} came to {} and left no such mark", job["result"]));
        }
    }

    /// Three steps, each written down once, with a result that it left a mark of, and the run's result made of them.
    fn check_run(&mut self, id: &str, run: &Value, effects: &Effects) {
        self.read_journal(id, run);
        let steps = run["steps"].as_array().unwrap();
        let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
        let results: Vec<Value> = steps.iter().map(|step| step["result"].clone()).collect();
        if names != STEP_NAMES || run["result"] != Value::from(results) {
            self.faults
                .push(format!("the run {id} is not what its steps came to: {run}"));
        }
        for step in steps {
            let key = (id.to_owned(), step["name"].as_str().unwrap().to_owned());
            let marked = effects.steps.get(&key).zip(step["result"].as_str());
            if !marked.is_some_and(|(marks, result)| marks.contains(result)) {
                self.faults
                    .push(format!("the step {} of {id} left no mark of what it came to", key.1));
            }
        }
    }

    /// No attempt begins before the one before it is over: where it ended, or its process was killed, and in a database the lease
    /// with it.
    pub(crate) fn check_turns(&mut self, effects: &Effects, kills: &BTreeMap<u64, u128>, leased: bool) {
        for (job, attempts) in &effects.jobs {
            let mut attempts: Vec<&Attempt> = attempts.iter().collect();
            attempts.sort_by_key(|attempt| attempt.began);
            for pair in attempts.windows(2) {
                let [before, after] = pair else { continue };
                let killed = kills.get(&before.serial).filter(|at| **at <= after.began);
                let free = match (killed, before.ended) {
                    (Some(at), _) if leased => at + LEASE_MS,
                    (Some(at), _) => *at,
                    (None, Some(end)) => end,
                    (None, None) => u128::MAX,
                };
                // On a file an attempt may begin before its number is on disk, and the next one then bears it again.
                let numbered =
                    after.number > before.number || (after.number == before.number && killed.is_some() && !leased);
                if after.began < free || !numbered {
                    self.faults.push(format!(
                        "the job {job} ran twice at once: {before:?}, {after:?}, free at {free}"
                    ));
                }
            }
        }
    }
}

/// What has completed, when it has.
async fn completed(client: &Client, path: &str) -> Option<Value> {
    for _ in 0..LOOKS {
        let shown = client.get(path).await?;
        match shown["status"].as_str() {
            Some("completed") => return Some(shown),
            Some("failed" | "cancelled") => return None,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    None
}
