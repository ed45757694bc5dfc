//! Several processes on one schema: each space is a process of its own to the database.

use std::collections::BTreeSet;

use super::*;
use crate::name::TopicFilter;
use crate::store::{AttemptEnd, ChangeQuery, Direction, EventQuery};
use crate::wire::JobStatus;

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn replicas_share_one_sequence_without_gaps() {
    let (first, schema, clock) = place();
    let second = Space::shared();
    let stores = [
        first.open(&schema, "one", &clock).await,
        second.open(&schema, "two", &clock).await,
    ];
    let commits = (0..200).map(|number| {
        let ops = vec![put(&format!("a/{}", number % 7)), emit(&format!("e{number}"))];
        stores[number % 2].commit(batch(ops))
    });
    for answer in join_all(commits).await {
        answer.expect("it is allowed");
    }
    assert_eq!(sequence(&stores[0]).await, (1..=400).collect());
    for store in &stores {
        store.close().await;
    }
    second.end().await;
    first.end().await;
}

#[tokio::test]
async fn a_commit_of_one_replica_is_heard_by_the_other() {
    heard(&cluster::shared_url()).await;
}

#[tokio::test]
async fn behind_a_pooler_a_commit_is_found_by_polling() {
    heard(&pooled(&cluster::shared_url())).await;
}

async fn heard(url: &str) {
    let (first, second) = (Space::of(url), Space::of(url));
    let (schema, clock) = (first.schema(), Clock::manual(START));
    let (one, two) = (
        first.open(&schema, "one", &clock).await,
        second.open(&schema, "two", &clock).await,
    );
    let mut heads = two.heads();
    for number in 0..3 {
        one.commit(batch(vec![enqueue(&format!("j{number}"))]))
            .await
            .expect("it is allowed");
        let seq = one.heads().borrow().seq;
        let told = tokio::time::timeout(SOON, heads.wait_for(|heads| heads.seq >= seq && heads.jobs > number));
        told.await.expect("it is heard of").expect("the store is open");
    }
    one.close().await;
    two.close().await;
    second.end().await;
    first.end().await;
}

#[tokio::test]
async fn no_job_is_claimed_twice_while_its_lease_holds() {
    let (first, schema, clock) = place();
    let second = Space::shared();
    let stores = [
        first.open(&schema, "one", &clock).await,
        second.open(&schema, "two", &clock).await,
    ];
    let jobs = (0..300).map(|number| enqueue(&format!("j{number}"))).collect();
    stores[0].commit(batch(jobs)).await.expect("it is allowed");
    let claims = (0..60).map(|number| {
        let (store, owner) = (&stores[number % 2], ["one", "two"][number % 2]);
        store.commit(batch(vec![claim(owner, 7)]))
    });
    let mut claimed = Vec::new();
    for answer in join_all(claims).await {
        let Outcome::Claimed { jobs, .. } = answer.expect("it is allowed").remove(0) else {
            panic!("a claim claims");
        };
        assert!(jobs.iter().all(|job| job.attempt == 1));
        claimed.extend(jobs.into_iter().map(|job| job.id));
    }
    let distinct: BTreeSet<&String> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (300, 300));
    // A reaper finds nobody dead.
    reap(&stores[0]).await;
    assert_eq!(running(&stores[0]).await, 300);
    for store in &stores {
        store.close().await;
    }
    second.end().await;
    first.end().await;
}

#[tokio::test]
async fn a_dead_incarnations_job_runs_elsewhere_after_its_lease() {
    let (first, schema, clock) = place();
    let second = Space::shared();
    let dead = first.open(&schema, "dead", &clock).await;
    dead.commit(batch(vec![enqueue("j"), claim("dead", 1)]))
        .await
        .expect("it is allowed");
    let alive = second.open(&schema, "alive", &clock).await;
    let job = async || alive.job("j").await.expect("a read succeeds").expect("it is there");
    assert_eq!(job().await.status, JobStatus::Running);
    first
        .sql(
            &schema,
            "UPDATE {s}.worker SET seen_at = seen_at - interval '9 seconds' WHERE incarnation = 'dead'",
        )
        .await;
    reap(&alive).await;
    assert_eq!(job().await.status, JobStatus::Running, "its lease holds");
    let before = alive.heads().borrow().jobs;
    first
        .sql(
            &schema,
            "UPDATE {s}.worker SET seen_at = seen_at - interval '1 minute' WHERE incarnation = 'dead'",
        )
        .await;
    reap(&alive).await;
    let queued = job().await;
    assert_eq!(
        (queued.status, queued.failures, queued.owner),
        (JobStatus::Queued, 0, None)
    );
    assert!(alive.heads().borrow().jobs > before, "who waits for jobs hears of it");
    let attempts = alive.attempts("j").await.expect("a read succeeds");
    assert_eq!((attempts.len(), attempts[0].end), (1, AttemptEnd::Interrupted));
    let outcome = alive
        .commit(batch(vec![claim("alive", 1)]))
        .await
        .expect("it is allowed");
    assert!(matches!(&outcome[0], Outcome::Claimed { jobs, .. } if jobs[0].attempt == 2));
    // Who was believed dead and was not is refused what it brings, and lives on.
    let late = Settle {
        job: "j".to_owned(),
        attempt: 1,
        verdict: Verdict::Completed { result: None },
        trace: None,
    };
    let refused = dead.commit(batch(vec![late.into()])).await;
    assert!(matches!(
        refused,
        Err(Error::Refused {
            why: Refusal::Fenced { .. },
            ..
        })
    ));
    dead.commit(batch(vec![enqueue("k"), claim("dead", 1)]))
        .await
        .expect("it is allowed");
    reap(&alive).await;
    assert_eq!(running(&alive).await, 2);
    dead.close().await;
    alive.close().await;
    second.end().await;
    first.end().await;
}

/// In real time, since leases go by the database's clock: the one test that waits for a whole lease.
#[tokio::test]
async fn what_a_killed_process_left_running_is_queued_elsewhere_within_15_seconds() {
    let (space, schema, clock) = place();
    let alive = space.open(&schema, "alive", &clock).await;
    let mut heads = alive.heads();
    let (named, told) = (schema.clone(), clock.clone());
    let killed = std::thread::spawn(move || {
        let process = tokio::runtime::Runtime::new().expect("a runtime");
        let began = process.block_on(async {
            let space = Space::shared();
            let store = space.open(&named, "killed", &told).await;
            let claimed = store.commit(batch(vec![enqueue("j"), claim("killed", 1)])).await;
            claimed.expect("it is allowed");
            std::mem::forget((store, space));
            Instant::now()
        });
        // Its tasks end where they stand, and nobody says that it goes.
        process.shutdown_background();
        began
    });
    let began = killed.join().expect("it has claimed");
    let claimed = |heads: &Heads| heads.jobs > 1;
    let waited = tokio::time::timeout(Duration::from_secs(15), heads.wait_for(claimed)).await;
    waited.expect("it is found dead in time").expect("the store is open");
    let job = alive.job("j").await.expect("a read succeeds").expect("it is there");
    assert_eq!(job.status, JobStatus::Queued);
    let took = began.elapsed();
    assert!(took > lease::TTL && took < Duration::from_secs(15), "{took:?}");
    alive.close().await;
    space.end().await;
}

#[tokio::test]
async fn what_a_closed_store_left_running_runs_again_when_another_opens() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "first", &clock).await;
    store
        .commit(batch(vec![enqueue("j"), claim("first", 1)]))
        .await
        .expect("it is allowed");
    store.close().await;
    // Its own jobs it would not take from itself.
    let store = space.open(&schema, "first", &clock).await;
    assert_eq!(running(&store).await, 1);
    store.close().await;
    clock.advance(Duration::from_secs(3));
    let store = space.open(&schema, "second", &clock).await;
    let job = store.job("j").await.expect("a read succeeds").expect("it is there");
    assert_eq!((job.status, job.failures, job.owner), (JobStatus::Queued, 0, None));
    assert_eq!((job.run_at, job.attempt), (clock.now(), 1));
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn a_beat_renews_every_lease_of_the_process_and_has_the_dead_buried() {
    let (space, schema, clock) = place();
    let other = space.schema();
    let (one, two) = (
        space.open(&schema, "one", &clock).await,
        space.open(&other, "two", &clock).await,
    );
    let set_back = "UPDATE {s}.worker SET seen_at = seen_at - interval '1 hour'; \
                    INSERT INTO {s}.worker VALUES ('dead', now() - interval '1 hour', NULL, 0)";
    for schema in [&schema, &other] {
        space.sql(schema, set_back).await;
    }
    let seen = async |store: &Postgres, incarnation: &'static str| {
        let sql = "SELECT count(*) FROM {s}.worker WHERE incarnation = $1 AND gone_at IS NULL \
                   AND seen_at > clock_timestamp() - interval '15 seconds'";
        let rows = store
            .ask("testing", Query::new(sql, [query::text(incarnation)]))
            .await
            .expect("a read succeeds");
        row::unsigned(&rows[0], 0).expect("a count")
    };
    assert_eq!((seen(&one, "one").await, seen(&two, "two").await), (0, 0));
    space.database().0.beat_all().await.expect("it beats");
    assert_eq!((seen(&one, "one").await, seen(&two, "two").await), (1, 1));
    // Behind the reaping that the beat has asked for.
    for store in [&one, &two] {
        store.commit(batch(vec![put("a")])).await.expect("it is allowed");
        let sql = "SELECT count(*) FROM {s}.worker WHERE incarnation = 'dead' AND gone_at IS NOT NULL";
        let rows = store
            .ask("testing", Query::new(sql, []))
            .await
            .expect("a read succeeds");
        assert_eq!(row::unsigned(&rows[0], 0).expect("a count"), 1);
        store.close().await;
    }
    space.end().await;
}

#[tokio::test]
async fn a_worker_that_could_not_renew_stops_until_it_has() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let stale = Instant::now() - lease::FENCE - Duration::from_secs(1);
    store.member.set_renewed(stale);
    let refused = store.commit(batch(vec![claim("me", 1)])).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    space.database().0.beat_all().await.expect("it beats");
    store
        .commit(batch(vec![claim("me", 1)]))
        .await
        .expect("it is allowed again");
    store.close().await;
    space.end().await;
}

async fn reap(store: &Postgres) {
    let sent = store.writes.send(Message::Reap).await;
    assert!(sent.is_ok(), "the writer works");
    // It keeps its order: what is acknowledged after it was done after it.
    store.commit(batch(vec![put("reaped")])).await.expect("it is allowed");
}

async fn running(store: &Postgres) -> u64 {
    let query = Query::new("SELECT count(*) FROM {s}.job WHERE status = 2", []);
    let rows = store.ask("testing", query).await.expect("a read succeeds");
    row::unsigned(&rows[0], 0).expect("a count")
}

/// Every sequence that a change or an event bears.
pub(super) async fn sequence(store: &Postgres) -> BTreeSet<u64> {
    let changes = ChangeQuery {
        namespace: "wire".to_owned(),
        prefix: Prefix::all(),
        after: 0,
        limit: 1_000_000,
    };
    let events = EventQuery {
        filter: TopicFilter::All,
        after: 0,
        before: None,
        since: None,
        direction: Direction::Forward,
        limit: 1_000_000,
    };
    let changes = store.changes(changes).await.expect("a read succeeds");
    let events = store.events(events).await.expect("a read succeeds");
    let all = changes.len() + events.len();
    let seqs: BTreeSet<u64> = changes
        .iter()
        .map(|change| change.seq)
        .chain(events.iter().map(|event| event.seq))
        .collect();
    assert_eq!(seqs.len(), all, "no sequence is given twice");
    seqs
}

#[tokio::test]
async fn a_replica_lives_for_the_others_until_it_leaves() {
    let (first, schema, clock) = place();
    let second = Space::shared();
    let (one, two) = (
        first.open(&schema, "one", &clock).await,
        second.open(&schema, "two", &clock).await,
    );
    for (store, other) in [(&one, "two"), (&two, "one")] {
        assert!(store.lives(other).await.expect("it reads"), "{other}");
    }
    one.close().await;
    assert!(!two.lives("one").await.expect("it reads"));
    two.close().await;
    second.end().await;
    first.end().await;
}
