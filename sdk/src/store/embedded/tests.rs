use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::store::conformance::{self, START};
use crate::store::{AttemptEnd, Claim, Concurrency, Condition, Emit, Enqueue, Op, Put, Refusal, Remember, Want};
use crate::wire::JobStatus;

#[tokio::test]
async fn the_store_in_memory_keeps_every_promise() {
    conformance::run(async |clock| Arc::new(open(None, clock, "me").expect("it opens")) as Arc<dyn Store>).await;
}

#[tokio::test]
async fn the_store_on_disk_keeps_every_promise() {
    let folder = tempfile::tempdir().expect("a folder");
    conformance::run(async |clock| {
        let path = folder.path().join(format!("{}.db", uuid::Uuid::new_v4()));
        Arc::new(open(Some(path), clock, "me").expect("it opens")) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_closing_and_opening() {
    let disk = Disk::new();
    let store = disk.open("me");
    let outcomes = store.commit(batch(vec![put("a"), emit("e"), enqueue("j")])).await;
    outcomes.expect("it is allowed");
    let heads = *store.heads().borrow();
    store.close().await;
    let store = disk.open("me");
    assert_eq!(
        (store.heads().borrow().seq, store.heads().borrow().event),
        (heads.seq, heads.event)
    );
    assert!(store.get("wire", "a").await.expect("a read succeeds").is_some());
    assert!(store.job("j").await.expect("a read succeeds").is_some());
    let again = store.commit(batch(vec![emit("e")])).await;
    assert!(matches!(
        again,
        Err(Error::Refused {
            why: Refusal::EventExists,
            ..
        })
    ));
    let next = store.commit(batch(vec![emit("e2")])).await.expect("it is allowed");
    assert_eq!(next, [Outcome::Emitted(heads.seq + 1)]);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_drop_without_close() {
    let disk = Disk::new();
    let store = disk.open("me");
    for number in 0..20 {
        let key = format!("a/{number}");
        store.commit(batch(vec![put(&key)])).await.expect("it is allowed");
    }
    drop(store);
    let store = disk.open("me");
    assert_eq!(store.stats().await.expect("a read succeeds").keys, 20);
}

#[tokio::test]
async fn closing_finishes_what_was_accepted() {
    let disk = Disk::new();
    let store = disk.open("me");
    let commits = join_all((0..50).map(|number| store.commit(batch(vec![put(&format!("a/{number}"))]))));
    let (answers, ()) = futures_util::future::join(commits, store.close()).await;
    let acknowledged = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Ok(_) | Err(Error::Closed)))
    );
    drop(store);
    let store = disk.open("me");
    assert_eq!(store.stats().await.expect("a read succeeds").keys, acknowledged as u64);
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything_in_it() {
    let disk = Disk::new();
    let store = disk.open("me");
    store.commit(batch(vec![put("a")])).await.expect("it is allowed");
    store.close().await;
    let log = std::fs::metadata(lock::beside(&disk.path(), "-wal"));
    assert_eq!(log.map_or(0, |file| file.len()), 0);
}

#[tokio::test]
async fn a_second_opener_is_refused_with_a_sentence_that_says_who_holds_it() {
    let disk = Disk::new();
    let store = disk.open("the-first");
    let refused = disk.try_open("the-second").expect_err("it is held");
    let sentence = refused.to_string();
    assert!(matches!(refused, Error::Unusable(_)));
    let holder = format!("process {} (the-first)", std::process::id());
    assert!(
        sentence.contains(&holder) && sentence.contains("stop that process"),
        "{sentence}"
    );
    store.close().await;
    disk.open("the-second");
}

#[tokio::test]
async fn jobs_of_a_dead_owner_are_queued_again_when_the_store_opens() {
    let disk = Disk::new();
    let store = disk.open("first");
    let claim = Op::Claim(Claim {
        owner: "first".to_owned(),
        wants: vec![Want {
            name: "work".to_owned(),
            slots: 9,
            rate: None,
        }],
        limit: 9,
        early: false,
    });
    store
        .commit(batch(vec![enqueue("j"), claim]))
        .await
        .expect("it is allowed");
    drop(store);
    // Its own jobs it would not take from itself.
    let store = disk.open("first");
    let job = store.job("j").await.expect("a read succeeds").expect("it is there");
    assert_eq!(job.status, JobStatus::Running);
    drop(store);
    disk.clock.advance(Duration::from_secs(3));
    let store = disk.open("second");
    let job = store.job("j").await.expect("a read succeeds").expect("it is there");
    assert_eq!((job.status, job.failures, job.owner), (JobStatus::Queued, 0, None));
    assert_eq!((job.run_at, job.attempt), (disk.clock.now(), 1));
    let attempts = store.attempts("j").await.expect("a read succeeds");
    assert_eq!((attempts.len(), attempts[0].end), (1, AttemptEnd::Interrupted));
}

#[tokio::test]
async fn who_waited_for_a_key_of_a_dead_owners_job_has_its_turn_when_the_store_opens() {
    let disk = Disk::new();
    let keyed = |id| match enqueue(id) {
        Op::Enqueue(order) => Op::from(Enqueue {
            concurrency: Some(Concurrency {
                key: "k".to_owned(),
                limit: 1,
            }),
            ..*order
        }),
        other => other,
    };
    let claim = |owner: &str| {
        Op::Claim(Claim {
            owner: owner.to_owned(),
            wants: vec![Want {
                name: "work".to_owned(),
                slots: 9,
                rate: None,
            }],
            limit: 9,
            early: false,
        })
    };
    let store = disk.open("first");
    let ops = vec![keyed("a"), keyed("b"), claim("first")];
    store.commit(batch(ops)).await.expect("it is allowed");
    let job = async |store: &Embedded, id| store.job(id).await.expect("a read succeeds").expect("it is there");
    assert_eq!(job(&store, "b").await.status, JobStatus::Pending);
    drop(store);
    disk.clock.advance(Duration::from_secs(3));
    let store = disk.open("second");
    assert_eq!(job(&store, "b").await.status, JobStatus::Queued);
    let later = Batch {
        at: disk.clock.now(),
        ops: vec![claim("second")],
    };
    store.commit(later).await.expect("it is allowed");
    let statuses = (job(&store, "a").await.status, job(&store, "b").await.status);
    assert_eq!(statuses, (JobStatus::Pending, JobStatus::Running));
}

#[tokio::test]
async fn a_request_that_a_dead_owner_left_unanswered_stays_remembered() {
    let disk = Disk::new();
    let store = disk.open("first");
    let request = Op::Remember(Remember {
        scope: "scope".to_owned(),
        key: "key".to_owned(),
        fingerprint: "asked".to_owned(),
        owner: "first".to_owned(),
        answer: None,
        replace: false,
        expires_at: START + Duration::from_secs(60),
    });
    store.commit(batch(vec![request])).await.expect("it is allowed");
    drop(store);
    let store = disk.open("second");
    let kept = store.remembered("scope", "key").await.expect("a read succeeds");
    let kept = kept.expect("it is remembered");
    assert_eq!((kept.owner.as_str(), kept.answer), ("first", None));
}

#[tokio::test]
async fn concurrent_commits_share_transactions() {
    let disk = Disk::new();
    let store = disk.open("me");
    for _ in 0..10 {
        let commits = (0..64).map(|number| store.commit(batch(vec![put(&format!("a/{number}"))])));
        for answer in join_all(commits).await {
            answer.expect("it is allowed");
        }
    }
    assert_eq!(store.batches(), 640);
    // The first of a round may go alone; the others are in the queue before its sync is done.
    assert!(store.commits() <= 160, "{} transactions", store.commits());
}

#[tokio::test]
async fn a_refusal_in_a_group_takes_nothing_else_with_it() {
    let store = open(None, Clock::manual(START), "me").expect("it opens");
    let commits = (0..64).map(|number| {
        let mut ops = vec![put(&format!("a/{number}")), emit(&format!("e{number}"))];
        if number % 2 == 1 {
            ops.push(emit("e0"));
        }
        store.commit(batch(ops))
    });
    let answers = join_all(commits).await;
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_ok(), number % 2 == 0, "{number}: {answer:?}");
    }
    let stats = store.stats().await.expect("a read succeeds");
    assert_eq!((stats.keys, stats.events, store.heads().borrow().seq), (32, 32, 64));
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_tears_nothing() {
    let store = open(None, Clock::manual(START), "me").expect("it opens");
    for number in 0..200 {
        let ops = vec![put(&format!("a/{number}")), emit(&format!("e{number}"))];
        let commit = store.commit(batch(ops));
        // Polled once, so that it is with the writer, and dropped.
        let _ = commit.now_or_never();
    }
    store.commit(batch(vec![put("last")])).await.expect("it is allowed");
    let stats = store.stats().await.expect("a read succeeds");
    assert_eq!(stats.keys, stats.events + 1);
}

#[tokio::test]
async fn a_reader_sees_what_was_acknowledged_before_it_asked() {
    let disk = Disk::new();
    let store = disk.open("me");
    for version in 1..=50 {
        store.commit(batch(vec![put("a")])).await.expect("it is allowed");
        let entry = store
            .get("wire", "a")
            .await
            .expect("a read succeeds")
            .expect("it is there");
        assert_eq!(entry.version, version);
    }
}

struct Disk {
    folder: tempfile::TempDir,
    clock: Clock,
}

impl Disk {
    fn new() -> Self {
        Disk {
            folder: tempfile::tempdir().expect("a folder"),
            clock: Clock::manual(START),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn try_open(&self, owner: &str) -> Result<Embedded> {
        open(Some(self.path()), self.clock.clone(), owner)
    }

    fn open(&self, owner: &str) -> Embedded {
        self.try_open(owner).expect("it opens")
    }
}

fn open(path: Option<PathBuf>, clock: Clock, owner: &str) -> Result<Embedded> {
    Embedded::open(Options {
        path,
        clock,
        owner: owner.to_owned(),
        name: "test-store".to_owned(),
    })
}

fn batch(ops: Vec<Op>) -> Batch {
    Batch { at: START, ops }
}

fn put(key: &str) -> Op {
    Op::Put(Put {
        namespace: "wire".to_owned(),
        key: key.to_owned(),
        value: json!(1).into(),
        condition: Condition::Any,
        expires_at: None,
    })
}

fn emit(id: &str) -> Op {
    Op::Emit(Emit {
        id: id.to_owned(),
        topic: "topic".to_owned(),
        data: None,
        trace: None,
    })
}

fn enqueue(id: &str) -> Op {
    Op::from(Enqueue {
        max_attempts: 3,
        ..Enqueue::new(id, "work")
    })
}
