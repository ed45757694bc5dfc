use std::path::Path;
use std::thread::JoinHandle;

use serde_json::json;

use super::*;
use crate::store::conformance::START;
use crate::store::embedded::{open, read, schema};
use crate::store::{Condition, Emit, Put};

type Answer = oneshot::Receiver<Result<Vec<Outcome>>>;

#[tokio::test]
async fn a_full_disk_refuses_writes_and_lets_reads_and_smaller_writes_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writes, queue) = mpsc::channel(16);
    let small = send(&writes, put("small", 1)).await;
    let large = send(&writes, put("large", 500_000)).await;
    let later = send(&writes, put("later", 1)).await;
    // All three wait already, so that they are one group.
    let thread = start(folder.path(), queue, |writer| {
        let pages = writer.conn.pragma_update(None, "max_page_count", 60);
        pages.expect("it can be set");
    });
    small.await.expect("it answers").expect("there is room for it");
    let refused = large.await.expect("it answers");
    assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
    later.await.expect("it answers").expect("there is room for it");
    drop(writes);
    thread.join().expect("the writer ends");
    let conn = open::reader(&folder.path().join("store.db")).expect("it opens");
    let key = |key| read::get(&conn, "wire", key, START).expect("a read succeeds");
    assert!(key("small").is_some() && key("large").is_none());
    assert_eq!(key("later").expect("it is there").revision, 2);
}

#[tokio::test]
async fn batches_that_wait_share_a_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writes, queue) = mpsc::channel(QUEUE_MAX);
    let mut answers = Vec::new();
    for number in 0..QUEUE_MAX {
        answers.push(send(&writes, emit(&number.to_string())).await);
    }
    let tally = Arc::new(Tally::default());
    let shared = Arc::clone(&tally);
    let thread = start(folder.path(), queue, |writer| writer.tally = shared);
    for (number, answer) in answers.into_iter().enumerate() {
        let outcomes = answer.await.expect("it answers").expect("it is allowed");
        assert_eq!(
            outcomes,
            [Outcome::Emitted(number as u64 + 1)],
            "in the order in which they came"
        );
    }
    drop(writes);
    thread.join().expect("the writer ends");
    assert_eq!(tally.batches.load(Ordering::Relaxed), QUEUE_MAX as u64);
    let groups = QUEUE_MAX.div_ceil(GROUP_MAX_BATCHES) as u64;
    assert_eq!(tally.transactions.load(Ordering::Relaxed), groups);
}

#[tokio::test]
async fn a_poisoned_writer_acknowledges_nothing_and_leaves_the_log_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writes, queue) = mpsc::channel(16);
    let thread = start(folder.path(), queue, |_| {});
    let answer = send(&writes, emit("before")).await;
    answer.await.expect("it answers").expect("it is allowed");
    let log = folder.path().join("store.db-wal");
    let bytes = || std::fs::metadata(&log).map_or(0, |file| file.len());
    assert!(bytes() > 0);
    // What a failed sync leaves behind: a log that is there and a writer that gives up.
    let (other, other_queue) = mpsc::channel(16);
    let mut heads = None;
    let poisoned = start(folder.path(), other_queue, |writer| {
        heads = writer.heads.as_ref().map(watch::Sender::subscribe);
        writer.poison(&rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
            None,
        ));
    });
    let first = send(&other, emit("after")).await;
    let second = send(&other, emit("later")).await;
    for answer in [first, second] {
        assert!(matches!(answer.await.expect("it answers"), Err(Error::Poisoned(_))));
    }
    let told = heads.expect("a new writer tells its heads").has_changed();
    assert!(told.is_err(), "whoever watches the heads learns that no more will come");
    let before = bytes();
    drop(other);
    poisoned.join().expect("the writer ends");
    assert_eq!(bytes(), before);
    drop(writes);
    thread.join().expect("the writer ends");
}

#[tokio::test]
async fn a_long_log_is_brought_home_when_nothing_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writes, queue) = mpsc::channel(16);
    let thread = start(folder.path(), queue, |_| {});
    let large = 4096 * usize::try_from(CHECKPOINT_IDLE_PAGES).expect("it is small");
    send(&writes, put("large", large))
        .await
        .await
        .expect("it answers")
        .expect("it is allowed");
    drop(writes);
    thread.join().expect("the writer ends");
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
    assert!(size("store.db") as usize > large);
    assert_eq!(size("store.db-wal"), 0);
}

#[test]
fn a_value_weighs_what_is_written() {
    assert_eq!(weight(&put("a", 100)), 102);
    assert_eq!(weight(&emit("e")), 0);
}

/// A writer of the database in a folder, changed before it starts.
fn start(folder: &Path, queue: mpsc::Receiver<Message>, change: impl FnOnce(&mut Writer)) -> JoinHandle<()> {
    let path = folder.join("store.db");
    schema::create(&path).expect("it is made");
    let (conn, counters) = open::writer(Some(&path), "me", START).expect("it opens");
    let mut writer = Writer {
        conn,
        counters,
        ready: Ready::default(),
        heads: Some(watch::Sender::default()),
        tally: Arc::default(),
        on_disk: true,
        poisoned: None,
        _lock: None,
    };
    change(&mut writer);
    std::thread::spawn(move || writer.run(queue))
}

async fn send(writes: &mpsc::Sender<Message>, batch: Batch) -> Answer {
    let (reply, answer) = oneshot::channel();
    let sent = writes.send(Message::Commit(Commit::new(batch, reply))).await;
    assert!(sent.is_ok(), "the queue is open");
    answer
}

/// Puts a value of so many bytes.
fn put(key: &str, bytes: usize) -> Batch {
    Batch::new(START).with(Put {
        namespace: "wire".to_owned(),
        key: key.to_owned(),
        value: json!("x".repeat(bytes)).into(),
        condition: Condition::Any,
        expires_at: None,
    })
}

fn emit(id: &str) -> Batch {
    Batch::new(START).with(Emit {
        id: id.to_owned(),
        topic: "topic".to_owned(),
        data: None,
        trace: None,
    })
}
