//! The bytes of what is kept, in a schema that an older version wrote, and writes beside this one.

use super::*;
use crate::store::transfer::violations;
use crate::store::{Kept, Retention};

/// What an older version says when it connects: nothing of bytes.
const OLDER: &str = "SET blackroad.counts_bytes = 'off'; SET search_path TO {s}; ";
const NEWER: &str = "; SET blackroad.counts_bytes = 'on'; RESET search_path";

#[tokio::test]
async fn a_schema_from_before_bytes_were_counted_has_them_counted_when_it_is_migrated() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    live(&store).await;
    let before = kept(&store).await;
    store.close().await;
    assert!(before.events > 0 && before.changes > 0 && before.jobs > 0, "{before:?}");
    let unmade = "DROP TRIGGER event_kept ON event; DROP TRIGGER change_kept ON change; DROP TRIGGER job_kept ON job; \
                  DROP TRIGGER attempt_kept ON attempt; DROP FUNCTION count_kept(); DROP FUNCTION count_attempt(); \
                  DROP FUNCTION kept_bytes(event); DROP FUNCTION kept_bytes(change); DROP FUNCTION kept_bytes(attempt); \
                  DROP FUNCTION kept_bytes(job); ALTER TABLE job DROP COLUMN attempt_bytes; ALTER TABLE meta \
                  DROP COLUMN event_bytes, DROP COLUMN change_bytes, DROP COLUMN job_bytes; \
                  DELETE FROM migration WHERE version = 5";
    space.sql(&schema, &format!("{OLDER}{unmade}{NEWER}")).await;
    let store = space.open(&schema, "me", &clock).await;
    assert_eq!(kept(&store).await, before);
    sound(&space, &schema).await;
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn beside_an_older_version_that_writes_and_prunes_the_bytes_stay_right() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    live(&store).await;
    store
        .commit(batch(vec![enqueue("theirs"), claim("old", 1)]))
        .await
        .expect("it is allowed");
    // In the order in which it writes a group: the job that ends, then its attempt, then the numbers that it knows.
    let wrote = "BEGIN; SELECT 1 FROM meta FOR UPDATE; \
                 INSERT INTO event (seq, id, topic, data, at, trace) SELECT seq + 1, 'old', 'topic', '\"é\"', 0, NULL FROM meta; \
                 INSERT INTO change (seq, ns, key, value, version, at) SELECT seq + 2, 'wire', 'old', '1', 1, 0 FROM meta; \
                 INSERT INTO state (ns, key, value, version, revision, updated_at) \
                 SELECT 'wire', 'old', '1', 1, seq + 2, 0 FROM meta; \
                 UPDATE job SET status = 4, completed_at = 0, failures = 1, owner = NULL, error = 'no answer' \
                 WHERE id = 'theirs'; \
                 INSERT INTO attempt (job, attempt, started_at, ended_at, ending, error) \
                 SELECT seq, 1, 0, 0, 1, 'no answer' FROM job WHERE id = 'theirs'; \
                 UPDATE meta SET seq = seq + 2, event_head = seq + 1, change_head = seq + 2, events = events + 1, \
                 changes = changes + 1, entries = entries + 1, jobs_live = jobs_live - 1, jobs_ended = jobs_ended + 1; COMMIT";
    space.sql(&schema, &format!("{OLDER}{wrote}{NEWER}")).await;
    sound(&space, &schema).await;
    let revive = Op::Revive {
        job: "theirs".to_owned(),
    };
    store.commit(batch(vec![revive])).await.expect("it is allowed");
    sound(&space, &schema).await;
    let cancelled = Op::Cancel {
        id: "theirs".to_owned(),
    };
    store.commit(batch(vec![cancelled])).await.expect("it is allowed");
    let pruned = "BEGIN; SELECT 1 FROM meta FOR UPDATE; DELETE FROM event WHERE id <> 'old'; DELETE FROM attempt; \
                  DELETE FROM job WHERE status >= 3; \
                  UPDATE meta SET events = 1, jobs_ended = 0, event_floor = event_head - 1; COMMIT";
    space.sql(&schema, &format!("{OLDER}{pruned}{NEWER}")).await;
    sound(&space, &schema).await;
    let nothing = Retention {
        event_bytes_max: 0,
        change_bytes_max: 0,
        ..Retention::KEEP_ALL
    };
    store.commit(batch(vec![nothing.into()])).await.expect("it is allowed");
    assert_eq!(kept(&store).await, Kept::default());
    sound(&space, &schema).await;
    store.close().await;
    space.end().await;
}

#[tokio::test]
async fn what_a_slice_drops_is_not_read_but_for_its_lengths() {
    let (space, schema, clock) = place();
    let store = space.open(&schema, "me", &clock).await;
    for table in ["event", "change", "attempt", "job"] {
        let query = format!(
            "DO $$ DECLARE line TEXT; BEGIN FOR line IN EXPLAIN (VERBOSE) SELECT {{s}}.kept_bytes(t) FROM {{s}}.{table} t LOOP \
             IF line LIKE '%kept_bytes%' THEN RAISE 'the whole row is read: %', line; END IF; END LOOP; END $$"
        );
        space.sql(&schema, &query).await;
    }
    store.close().await;
    space.end().await;
}

/// Writes rows of every kind that counts.
async fn live(store: &Postgres) {
    store
        .commit(batch(vec![put("a"), put("a"), emit("e"), enqueue("j"), claim("me", 1)]))
        .await
        .expect("it is allowed");
    let error = JobFailure {
        message: "no answer\0".to_owned(),
        stack: Some("at the mailer".to_owned()),
    };
    let settle = Settle {
        job: "j".to_owned(),
        attempt: 1,
        verdict: Verdict::Failed { error, retry_at: None },
        trace: Some("trace".to_owned()),
    };
    store.commit(batch(vec![settle.into()])).await.expect("it is allowed");
}

async fn kept(store: &Postgres) -> Kept {
    store.stats().await.expect("a read succeeds").kept
}

/// Whatever is said of the rows is what they come to.
async fn sound(space: &Space, schema: &str) {
    let (contents, _) = Postgres::dump(space.database(), schema).await.expect("it is read");
    assert_eq!(violations(&contents), Vec::<String>::new());
}
