use super::*;
use crate::clock::Clock;
use crate::name::TopicFilter;
use crate::store::conformance::{self, START};
use crate::store::embedded::{Embedded, Options};
use crate::store::memory::Memory;
use crate::store::{Concurrency, Condition, Direction, Emit, Enqueue, Op, Put};

fn prefixed(inner: Arc<dyn Store>, prefix: &str) -> Prefixed {
    Prefixed::new(inner, Prefix::new(prefix).expect("a prefix"))
}

fn one_of_each(id: &str) -> Batch {
    Batch::new(START)
        .with(Put {
            namespace: "wire".to_owned(),
            key: "key".to_owned(),
            value: serde_json::json!(id).into(),
            condition: Condition::Absent,
            expires_at: None,
        })
        .with(Emit {
            id: id.to_owned(),
            topic: "topic".to_owned(),
            data: None,
            trace: None,
        })
        .with(Enqueue {
            max_attempts: 1,
            unique_key: Some("unique".to_owned()),
            concurrency: Some(Concurrency {
                key: "unique".to_owned(),
                limit: 1,
            }),
            throttle_key: Some("window".to_owned()),
            ..Enqueue::new(id, "work")
        })
}

#[tokio::test]
async fn a_part_of_the_model_keeps_every_promise() {
    conformance::run(async |clock| Arc::new(prefixed(Arc::new(Memory::new(clock)), "a/")) as Arc<dyn Store>).await;
}

#[tokio::test]
async fn a_part_of_the_embedded_store_keeps_every_promise() {
    conformance::run(async |clock| {
        let options = Options {
            path: None,
            clock,
            owner: "me".to_owned(),
            name: "prefix".to_owned(),
        };
        let inner = Embedded::open(options).expect("it opens");
        Arc::new(prefixed(Arc::new(inner), "a:")) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn a_part_beside_others_keeps_every_promise() {
    conformance::run(async |clock| {
        let part = prefixed(Arc::new(Memory::new(clock)), "outer/");
        Arc::new(prefixed(Arc::new(part), "inner/")) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn two_parts_do_not_see_one_another() {
    let whole: Arc<dyn Store> = Arc::new(Memory::new(Clock::system()));
    let (one, other) = (prefixed(Arc::clone(&whole), "a/"), prefixed(Arc::clone(&whole), "ab/"));
    for (part, id) in [(&one, "1"), (&other, "2")] {
        let outcomes = part.commit(one_of_each(id)).await.expect("each has its own names");
        assert!(matches!(&outcomes[2], Outcome::Job(job) if job.name == "work"));
    }
    for (part, id, foreign) in [(&one, "1", "2"), (&other, "2", "1")] {
        let entry = part
            .get("wire", "key")
            .await
            .expect("a read succeeds")
            .expect("its own");
        assert_eq!(
            (entry.key.as_str(), entry.value.to().ok()),
            ("key", Some(id.to_owned()))
        );
        let query = EventQuery {
            filter: TopicFilter::All,
            after: 0,
            before: None,
            since: None,
            direction: Direction::Forward,
            limit: 10,
        };
        let events = part.events(query).await.expect("a read succeeds");
        assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), [id]);
        let query = JobQuery {
            limit: 10,
            ..JobQuery::default()
        };
        let jobs = part.jobs(query).await.expect("a read succeeds");
        assert_eq!(jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), [id]);
        assert_eq!(part.job(foreign).await.expect("a read succeeds"), None);
    }
    assert!(whole.get("wire", "ab/key").await.expect("a read succeeds").is_some());
}

#[tokio::test]
async fn a_job_of_another_part_cannot_be_touched() {
    let whole: Arc<dyn Store> = Arc::new(Memory::new(Clock::system()));
    let (one, other) = (prefixed(Arc::clone(&whole), "a/"), prefixed(Arc::clone(&whole), "b/"));
    one.commit(one_of_each("1")).await.expect("its own");
    let cancel = || Batch {
        at: START,
        ops: vec![Op::Cancel { id: "1".to_owned() }],
    };
    let refused = other.commit(cancel()).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                op: 0,
                why: Refusal::NoSuchJob { .. }
            })
        ),
        "{refused:?}"
    );
    one.commit(cancel()).await.expect("its own");
    let acknowledge = Batch {
        at: START,
        ops: vec![Op::AcknowledgeCancel {
            job: "1".to_owned(),
            attempt: 1,
        }],
    };
    let outcomes = other
        .commit(acknowledge)
        .await
        .expect("it does nothing to any other job");
    assert_eq!(outcomes, [Outcome::Done]);
}

#[tokio::test]
async fn a_job_of_another_part_is_not_woken() {
    let whole: Arc<dyn Store> = Arc::new(Memory::new(Clock::system()));
    let (one, other) = (prefixed(Arc::clone(&whole), "a/"), prefixed(Arc::clone(&whole), "b/"));
    let mut order = one_of_each("1");
    let later = START + chrono::TimeDelta::hours(1);
    if let Op::Enqueue(job) = &mut order.ops[2] {
        job.run_at = Some(later);
    }
    one.commit(order).await.expect("its own");
    for (part, run_at) in [(&other, later), (&one, START)] {
        let batch = Batch {
            at: START,
            ops: vec![Op::Wake { job: "1".to_owned() }],
        };
        assert_eq!(part.commit(batch).await.expect("it refuses nothing"), [Outcome::Done]);
        let job = one.job("1").await.expect("a read succeeds").expect("it is there");
        assert_eq!(job.run_at, run_at);
    }
}

#[tokio::test]
async fn a_page_of_jobs_is_filled_though_others_lie_between() {
    let whole: Arc<dyn Store> = Arc::new(Memory::new(Clock::system()));
    let (one, other) = (prefixed(Arc::clone(&whole), "a/"), prefixed(Arc::clone(&whole), "b/"));
    one.commit(one_of_each("1")).await.expect("its own");
    for number in 0..2 * JOBS_PAGE {
        let order = Batch::new(START).with(match one_of_each(&format!("other {number}")).ops.remove(2) {
            Op::Enqueue(order) => Enqueue {
                unique_key: None,
                throttle_key: None,
                ..*order
            },
            other => panic!("no order: {other:?}"),
        });
        other.commit(order).await.expect("its own");
    }
    let query = JobQuery {
        limit: 1,
        ..JobQuery::default()
    };
    assert_eq!(one.jobs(query).await.expect("a read succeeds")[0].id, "1");
}
