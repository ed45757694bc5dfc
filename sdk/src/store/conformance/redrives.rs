//! Making a job anew of one that died.

use std::time::Duration;

use super::cases;
use super::context::{Context, completed, enqueue, failed, job, json_text, schedule};
use crate::store::{Enqueue, Job, Op, Redrive, Refusal};
use crate::wire::JobStatus;

cases![
    a_redrive_makes_a_new_job_with_what_is_edited,
    what_is_not_edited_stays_as_it_was_ordered,
    the_old_job_keeps_its_story_and_tells_of_the_new_one,
    a_job_is_redriven_once_and_not_revived_after_it,
    a_living_or_completed_job_cannot_be_redriven,
    a_job_is_not_redriven_while_its_unique_key_lives,
    a_redrive_needs_an_id_that_is_free,
    a_redrive_counts_as_a_living_job,
];

fn redrive(of: &str, id: &str) -> Redrive {
    Redrive {
        job: of.to_owned(),
        id: id.to_owned(),
        params: None,
        max_attempts: None,
        run_at: None,
        trace: Some("of-the-redrive".to_owned()),
    }
}

async fn dead(it: Context<'_>, order: Enqueue) -> Job {
    it.one(order).await;
    let running = it.claim().await.pop().expect("it is due");
    it.settle(&running, failed(None)).await
}

async fn a_redrive_makes_a_new_job_with_what_is_edited(it: Context<'_>) {
    dead(it, enqueue("old")).await;
    let edited = Redrive {
        params: Some(json_text(r#"{"fixed":true}"#)),
        max_attempts: Some(9),
        run_at: Some(it.later(60)),
        ..redrive("old", "new")
    };
    let made = job(it.one(edited).await);
    assert_eq!(it.job("new").await, made);
    assert_eq!(made.params, Some(json_text(r#"{"fixed":true}"#)));
    assert_eq!((made.max_attempts, made.run_at), (9, it.later(60)));
    assert_eq!((made.status, made.attempt, made.failures), (JobStatus::Queued, 0, 0));
    assert_eq!((made.error, made.completed_at, made.started_at), (None, None, None));
    assert_eq!((made.created_at, made.redrive_of.as_deref()), (it.now(), Some("old")));
    assert_eq!(made.trace.as_deref(), Some("of-the-redrive"));
    assert!(it.claim().await.is_empty());
    it.pass(60);
    assert_eq!(it.claim().await[0].id, "new");
}

async fn what_is_not_edited_stays_as_it_was_ordered(it: Context<'_>) {
    let order = Enqueue {
        params: Some(json_text("7")),
        priority: 4,
        timeout: Some(Duration::from_secs(3)),
        max_elapsed: Some(Duration::from_secs(40)),
        heartbeat: Some(Duration::from_secs(2)),
        unique_key: Some("key".to_owned()),
        ..enqueue("old")
    };
    let old = dead(it, order).await;
    it.pass(100);
    let made = job(it.one(redrive("old", "new")).await);
    assert_eq!((&made.params, made.priority), (&old.params, 4));
    assert_eq!((made.timeout, made.heartbeat), (old.timeout, old.heartbeat));
    assert_eq!((made.backoff, made.max_attempts), (old.backoff, old.max_attempts));
    assert_eq!(made.unique_key.as_deref(), Some("key"));
    assert_eq!(
        made.deadline,
        Some(it.later(40)),
        "its time counts from its own creation"
    );
    assert_eq!(made.run_at, it.now());
}

async fn the_old_job_keeps_its_story_and_tells_of_the_new_one(it: Context<'_>) {
    let old = dead(it, enqueue("old")).await;
    it.pass(1);
    it.one(redrive("old", "new")).await;
    let told = Job {
        redriven_as: Some("new".to_owned()),
        ..old
    };
    assert_eq!(it.job("old").await, told);
    assert_eq!(it.store.attempts("old").await.expect("a read succeeds").len(), 1);
    assert!(it.store.attempts("new").await.expect("a read succeeds").is_empty());
}

async fn a_job_is_redriven_once_and_not_revived_after_it(it: Context<'_>) {
    dead(it, enqueue("old")).await;
    it.one(redrive("old", "new")).await;
    let redriven = Refusal::Redriven {
        id: "old".to_owned(),
        redriven_as: "new".to_owned(),
    };
    assert_eq!(it.refusal(redrive("old", "newer")).await, redriven);
    assert_eq!(it.refusal(Op::Revive { job: "old".to_owned() }).await, redriven);
    it.cancel("new").await;
    assert_eq!(
        job(it.one(redrive("new", "newer")).await).redrive_of.as_deref(),
        Some("new")
    );
}

async fn a_living_or_completed_job_cannot_be_redriven(it: Context<'_>) {
    let status = |status| Refusal::Status {
        id: "j".to_owned(),
        status,
    };
    it.enqueue("j").await;
    assert_eq!(it.refusal(redrive("j", "new")).await, status(JobStatus::Queued));
    let running = it.claim().await.pop().expect("it is due");
    assert_eq!(it.refusal(redrive("j", "new")).await, status(JobStatus::Running));
    it.settle(&running, completed()).await;
    assert_eq!(it.refusal(redrive("j", "new")).await, status(JobStatus::Completed));
    let missing = Refusal::NoSuchJob {
        id: "nobody".to_owned(),
    };
    assert_eq!(it.refusal(redrive("nobody", "new")).await, missing);
}

async fn a_job_is_not_redriven_while_its_unique_key_lives(it: Context<'_>) {
    let unique = |id| Enqueue {
        unique_key: Some("key".to_owned()),
        ..enqueue(id)
    };
    dead(it, unique("old")).await;
    it.one(unique("other")).await;
    let lives = Refusal::Status {
        id: "other".to_owned(),
        status: JobStatus::Queued,
    };
    assert_eq!(it.refusal(redrive("old", "new")).await, lives);
    it.cancel("other").await;
    it.one(redrive("old", "new")).await;
}

async fn a_redrive_needs_an_id_that_is_free(it: Context<'_>) {
    dead(it, enqueue("old")).await;
    it.enqueue("j").await;
    it.one(schedule("s", it.later(60))).await;
    for id in ["old", "j", "s"] {
        let taken = Refusal::JobExists { id: id.to_owned() };
        assert_eq!(it.refusal(redrive("old", id)).await, taken);
    }
    assert_eq!(it.job("old").await.redriven_as, None);
}

async fn a_redrive_counts_as_a_living_job(it: Context<'_>) {
    dead(it, enqueue("old")).await;
    assert_eq!(it.sizes().await, [0, 0, 0, 1]);
    it.one(redrive("old", "new")).await;
    assert_eq!(it.sizes().await, [0, 0, 1, 1]);
}
