//! What a store is asked, and how long each question takes.

use std::time::Instant;

use syscall_sdk::name::{Prefix, TopicFilter};
use syscall_sdk::store::{Batch, Direction, EventQuery, JobQuery, Op, Seq, Settle, Verdict};
use syscall_sdk::wire::JobStatus;

use super::fill::claim;
use crate::life::{Life, job, payload};
use crate::load::percentiles;

/// How often each question is asked.
const TIMES: u64 = 300;
/// How many rows a list gives.
const PAGE: usize = 100;
/// Jobs of a claim, as many as the runner has slots.
const SLOTS: usize = 64;

/// Asks everything; gives the middle time of each question in milliseconds.
pub(super) async fn everything(life: &Life, size: u64) -> Vec<(&'static str, f64)> {
    let head = life.store.heads().borrow().seq;
    let last_event = life.events.latest();
    let mut came = Vec::new();
    macro_rules! ask {
        ($what:literal, $each:ident => $question:expr) => {{
            let mut took = Vec::new();
            for $each in 0..TIMES {
                let begun = Instant::now();
                $question;
                took.push(begun.elapsed());
            }
            came.push(($what, percentiles(&mut took).0));
        }};
    }
    let mut took = Vec::new();
    for _ in 0..TIMES / 10 {
        let begun = Instant::now();
        let jobs = claim(life, SLOTS).await;
        took.push(begun.elapsed());
        hand_back(life, jobs).await;
    }
    came.push(("claim of 64 jobs", percentiles(&mut took).0));

    let mut ids = Vec::new();
    for n in 0..TIMES {
        let query = JobQuery {
            before: Some(head / TIMES * n + 2),
            limit: 1,
            ..JobQuery::default()
        };
        let found = life.store.jobs(query).await.expect("it is read");
        ids.extend(found.into_iter().map(|job| job.id));
    }
    ask!("get of a job", n => {
        let id = &ids[n as usize % ids.len()];
        assert!(life.store.job(id).await.expect("it is read").is_some());
    });
    ask!("list of the newest 100 jobs", _n => {
        list(life, JobQuery { limit: PAGE, ..JobQuery::default() }).await;
    });
    ask!("list of 100 completed jobs", _n => {
        list(life, JobQuery { limit: PAGE, status: Some(JobStatus::Completed), ..JobQuery::default() }).await;
    });
    ask!("list of 100 waiting jobs", _n => {
        list(life, JobQuery { limit: PAGE, status: Some(JobStatus::Queued), ..JobQuery::default() }).await;
    });
    ask!("get of a key", n => {
        let n = size * n / TIMES;
        let found = life.state.entry(&format!("order/{}/{n}", n % 100)).await;
        assert!(found.expect("it is read").is_some());
    });
    ask!("list of keys under a prefix, one page", n => {
        let prefix = Prefix::new(format!("order/{}/", n % 100)).expect("a prefix");
        // As many as the nearly empty store has.
        life.state.page(&prefix, None, 5).await.expect("it is read");
    });
    ask!("read of 100 events from a cursor", n => {
        // From all over the log, which ends with the last of ten events a key.
        let back = 10 * size / TIMES * (TIMES - n);
        events(life, None, last_event.saturating_sub(back), Direction::Forward).await;
    });
    ask!("read of the latest 5 events of a topic", n => {
        let topic = format!("order:placed-{}", n % 100);
        events(life, Some(&topic), 0, Direction::Backward).await;
    });
    ask!("enqueue", n => drop(life.jobs.create(job(n)).await.expect("the store takes it")));
    ask!("put", n => {
        let n = size * n / TIMES;
        drop(life.state.put(&format!("order/{}/{n}", n % 100), &payload(n)).await.expect("the store takes it"));
    });
    ask!("emit", n => {
        drop(life.events.emit("order:placed-7", Some(payload(n))).await.expect("the store takes it"));
    });
    came
}

async fn hand_back(life: &Life, jobs: Vec<(String, u32)>) {
    let ops = jobs.into_iter().map(|(job, attempt)| {
        Op::Settle(Settle {
            job,
            attempt,
            verdict: Verdict::HandedBack,
            trace: None,
        })
    });
    let (at, ops) = (life.clock.now(), ops.collect());
    life.store.commit(Batch { at, ops }).await.expect("the store takes it");
}

async fn list(life: &Life, query: JobQuery) {
    let found = life.store.jobs(query).await.expect("it is read");
    assert_eq!(found.len(), PAGE, "there are that many");
}

async fn events(life: &Life, topic: Option<&str>, after: Seq, direction: Direction) {
    let query = EventQuery {
        filter: TopicFilter::parse(topic).expect("a topic"),
        after,
        before: None,
        since: None,
        direction,
        limit: if topic.is_some() { 5 } else { PAGE },
    };
    let found = life.store.events(query).await.expect("it is read");
    assert!(!found.is_empty(), "there are some");
}
