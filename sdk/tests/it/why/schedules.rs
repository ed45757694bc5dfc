//! Schedules.

use chrono::TimeDelta;
use syscall_sdk::policy::Backoff;
use syscall_sdk::store::{Batch, Enqueue, NewSchedule, Op, Outcome};
use syscall_sdk::wire::{CatchUp, Overlap};

use super::{Fleet, codes, linked, says, waits};

#[tokio::test]
async fn a_schedule_says_which_tick_made_no_job_and_why() {
    let fleet = Fleet::start().await;
    let kernel = fleet.kernel("core");
    let (now, minute) = (kernel.clock.now(), TimeDelta::minutes(1));
    let schedule = NewSchedule {
        id: "nightly".to_owned(),
        name: "narrow".to_owned(),
        params: None,
        cron: "* * * * *".to_owned(),
        timezone: "UTC".to_owned(),
        catch_up: CatchUp::Last,
        overlap: Overlap::Skip,
        next_run: Some(now + minute),
        priority: 0,
        max_attempts: 1,
        backoff: Backoff::default(),
        timeout: None,
        max_elapsed: None,
        start_within: None,
        heartbeat: None,
    };
    let job = Enqueue {
        max_attempts: 1,
        schedule_id: Some("nightly".to_owned()),
        ..Enqueue::new("first", "narrow")
    };
    let tick = Op::Tick {
        schedule: "nightly".to_owned(),
        from: now + minute,
        next: Some(now + minute * 2),
    };
    let outcomes = kernel
        .store
        .commit(Batch::new(now).with(schedule).with(job))
        .await
        .unwrap();
    assert!(matches!(outcomes[1], Outcome::Job(_)));
    kernel.store.commit(Batch::new(now).with(tick)).await.unwrap();
    let story = fleet.why("nightly").await;
    assert_eq!(
        (codes(&story), waits(&story)),
        (vec!["created", "ticked", "skipped"], vec!["tick"])
    );
    says(&story, "job first of an earlier tick still lived");
    assert_eq!(linked(&story, "made").as_deref(), Some("first"));
    assert_eq!(
        linked(&fleet.why("first").await, "schedule").as_deref(),
        Some("nightly")
    );
    fleet.stop().await;
}
