//! A database that goes away under load, each in a server of the test's own.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use super::cluster::Cluster;
use super::replicas::sequence;
use super::*;

/// Producers that write at the same time.
const PRODUCERS: usize = 8;

/// What was tried, by how it was answered.
#[derive(Default)]
struct Ledger {
    acknowledged: watch::Sender<Vec<String>>,
    undone: Mutex<Vec<String>>,
    next: AtomicU64,
    stop: AtomicBool,
}

impl Ledger {
    /// Writes until it is told to stop; each try has a key of its own.
    async fn produce(&self, store: &Postgres) {
        while !self.stop.load(Ordering::SeqCst) {
            let key = format!("k/{}", self.next.fetch_add(1, Ordering::SeqCst));
            match store.commit(batch(vec![put(&key), emit(&key)])).await {
                Ok(_) => self.acknowledged.send_modify(|keys| keys.push(key)),
                Err(Error::Unavailable { .. }) => {
                    self.undone.lock().expect("no panic").push(key);
                    tokio::task::yield_now().await;
                }
                // Whether it happened is not known, and either is right.
                Err(Error::InDoubt) => {}
                Err(other) => panic!("not an answer for a database that is away: {other:?}"),
            }
        }
    }

    /// Waits until so many more are acknowledged.
    async fn progress(&self, more: usize) {
        let mut acknowledged = self.acknowledged.subscribe();
        let target = acknowledged.borrow().len() + more;
        // What it gives holds the producers up, and is let go at once.
        let reached = async { acknowledged.wait_for(|keys| keys.len() >= target).await.is_ok() };
        let in_time = tokio::time::timeout(Duration::from_secs(40), reached).await;
        let count = self.acknowledged.borrow().len();
        assert_eq!(in_time, Ok(true), "no progress: {count} of {target}");
    }

    /// What was acknowledged is there, what was answered not to have happened is not, and the sequence has no gap.
    async fn check(&self, store: &Postgres) {
        let acknowledged = self.acknowledged.borrow().clone();
        let undone = self.undone.lock().expect("no panic").clone();
        for key in acknowledged {
            assert!(
                store.get("wire", &key).await.expect("a read succeeds").is_some(),
                "{key} was acknowledged"
            );
        }
        for key in undone {
            assert!(
                store.get("wire", &key).await.expect("a read succeeds").is_none(),
                "{key} had not happened"
            );
        }
        let head = store.heads().borrow().seq;
        assert_eq!(sequence(store).await, (1..=head).collect());
    }
}

async fn under_load(disturb: impl AsyncFn(&Cluster, &Ledger)) {
    let cluster = Cluster::start();
    let space = Space::of(&cluster.url());
    let (schema, clock) = (space.schema(), Clock::manual(START));
    let store = space.open(&schema, "me", &clock).await;
    let ledger = Ledger::default();
    let producers = join_all((0..PRODUCERS).map(|_| ledger.produce(&store)));
    let disturbed = async {
        for _ in 0..3 {
            ledger.progress(100).await;
            disturb(&cluster, &ledger).await;
        }
        ledger.progress(100).await;
        ledger.stop.store(true, Ordering::SeqCst);
    };
    futures_util::future::join(producers, disturbed).await;
    ledger.check(&store).await;
    store.close().await;
    space.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_under_load_loses_and_repeats_nothing() {
    under_load(async |cluster, _| {
        tokio::task::block_in_place(|| {
            cluster.kill();
            cluster.run();
        });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_under_load_lose_and_repeat_nothing() {
    under_load(async |cluster, ledger| {
        let other = Space::of(&cluster.url());
        for _ in 0..5 {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE application_name = 'blackroad' AND pid <> pg_backend_pid()";
            other.sql("public", cut).await;
            ledger.progress(10).await;
        }
        other.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_outcome_of_a_commit_whose_answer_was_lost_is_found_by_its_number() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    let checked = query::Schema::new(&schema).expect("a name");
    let turn = |number| group::Turn {
        hub: &space.database().0,
        schema: &checked,
        owner: "me",
        number,
    };
    let batch = batch(vec![put("a")]);
    assert!(turn(70).commit(&[&batch]).await.is_ok());
    assert!(turn(70).happened().await.expect("the database is there"));
    assert!(!turn(71).happened().await.expect("the database is there"));
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn jobs_of_a_claim_that_nobody_was_told_of_go_back() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    store
        .commit(batch(vec![enqueue("j"), claim("me", 1)]))
        .await
        .expect("it is allowed");
    let number = store.commits();
    let mut writer = Writer {
        hub: Arc::clone(&space.database().0),
        member: Arc::clone(&store.member),
        clock: clock.clone(),
        tally: Arc::default(),
        number: i64::try_from(number).expect("a small number"),
        doubts: Vec::new(),
        held: VecDeque::new(),
        _alive: watch::channel(()).0,
    };
    // One that did not happen takes nothing from anybody; one that did gives back what it took.
    writer.doubts.push((writer.number, vec![("j".to_owned(), 1)]));
    writer.doubts.push((writer.number + 7, vec![("j".to_owned(), 1)]));
    writer.reap().await;
    assert!(writer.doubts.is_empty());
    let job = store.job("j").await.expect("a read succeeds").expect("it is there");
    assert_eq!((job.status, job.attempt), (crate::wire::JobStatus::Queued, 1));
    store.close().await;
    space.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_cannot_be_reached_is_given_up_with_a_sentence() {
    let space = Space::of("postgres://me:hunter2@127.0.0.1:1/fleet");
    let options = Options {
        schema: "s".to_owned(),
        clock: Clock::manual(START),
        owner: "me".to_owned(),
    };
    let refused = Postgres::open(space.database(), options)
        .await
        .expect_err("nobody is there")
        .to_string();
    assert!(
        refused.contains("PostgreSQL at 127.0.0.1:1 cannot be reached"),
        "{refused}"
    );
    assert!(
        refused.contains("start it, or correct") && !refused.contains("hunter2"),
        "{refused}"
    );
}
