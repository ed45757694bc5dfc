//! Jobs that share a key, over several replicas.

use super::*;
use crate::store::Concurrency;
use crate::wire::JobStatus;

#[tokio::test]
async fn a_key_holds_across_replicas_and_goes_on_when_one_dies() {
    let (first, schema, clock) = place();
    let second = Space::shared();
    let dead = first.open(&schema, "dead", &clock).await;
    let alive = second.open(&schema, "alive", &clock).await;
    let orders = ["a", "b", "c"].map(keyed).to_vec();
    dead.commit(batch(orders)).await.expect("it is allowed");
    assert_eq!(claimed(&dead, "dead").await, ["a"]);
    assert_eq!(claimed(&alive, "alive").await, Vec::<String>::new());
    assert_eq!(
        statuses(&alive).await,
        [JobStatus::Running, JobStatus::Pending, JobStatus::Pending]
    );
    let died = "UPDATE {s}.worker SET seen_at = seen_at - interval '1 minute' WHERE incarnation = 'dead'";
    first.sql(&schema, died).await;
    // The one that is interrupted has its turn anew, so those that waited are before it.
    clock.advance(Duration::from_secs(1));
    let sent = alive.writes.send(Message::Reap).await;
    assert!(sent.is_ok(), "the writer works");
    for expected in ["b", "c"] {
        assert_eq!(claimed(&alive, "alive").await, [expected]);
        assert_eq!(claimed(&alive, "alive").await, Vec::<String>::new());
        let job = alive
            .job(expected)
            .await
            .expect("a read succeeds")
            .expect("it is there");
        let done = settle(&job);
        alive.commit(batch(vec![done])).await.expect("it is allowed");
    }
    let interrupted = alive.job("a").await.expect("a read succeeds").expect("it is there");
    assert_eq!(
        (interrupted.status, interrupted.run_at),
        (JobStatus::Queued, clock.now())
    );
    dead.close().await;
    alive.close().await;
    second.end().await;
    first.end().await;
}

#[tokio::test]
async fn ends_that_share_a_group_each_let_another_run() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let orders = (0..30).map(|number| {
        let key = Concurrency {
            key: format!("k{}", number % 3),
            limit: 4,
        };
        of_key(&format!("j{number:02}"), key)
    });
    store.commit(batch(orders.collect())).await.expect("it is allowed");
    let mut ended = 0;
    while ended < 30 {
        let running = claimed(&store, "me").await;
        assert_eq!(running.len(), 12.min(30 - ended));
        let mut ends = Vec::new();
        for id in &running {
            let job = store.job(id).await.expect("a read succeeds").expect("it is there");
            ends.push(store.commit(batch(vec![settle(&job)])));
        }
        for end in join_all(ends).await {
            end.expect("it is allowed");
        }
        ended += running.len();
    }
    store.close().await;
    space.end().await;
}

fn keyed(id: &str) -> Op {
    let key = Concurrency {
        key: "k".to_owned(),
        limit: 1,
    };
    of_key(id, key)
}

fn of_key(id: &str, key: Concurrency) -> Op {
    let mut op = enqueue(id);
    if let Op::Enqueue(order) = &mut op {
        order.concurrency = Some(key);
    }
    op
}

fn settle(job: &Job) -> Op {
    Op::from(Settle {
        job: job.id.clone(),
        attempt: job.attempt,
        verdict: Verdict::Completed { result: None },
        trace: None,
    })
}

async fn claimed(store: &Postgres, owner: &str) -> Vec<String> {
    let outcome = store.commit(batch(vec![claim(owner, 100)])).await;
    let Outcome::Claimed { jobs, .. } = outcome.expect("it is allowed").remove(0) else {
        panic!("a claim claims");
    };
    jobs.into_iter().map(|job| job.id).collect()
}

async fn statuses(store: &Postgres) -> Vec<JobStatus> {
    let query = JobQuery {
        limit: 10,
        ..JobQuery::default()
    };
    let jobs = store.jobs(query).await.expect("a read succeeds");
    jobs.iter().rev().map(|job| job.status).collect()
}
