//! Contents move between all backends and through a dump as they are.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::{Contents, Flaw, read, violations, write};
use crate::clock::Clock;
use crate::policy::Backoff;
use crate::store::conformance::START;
use crate::store::embedded::{Embedded, Options};
use crate::store::memory::Memory;
use crate::store::postgres::Postgres;
use crate::store::postgres::cluster::Space;
use crate::store::property::{Step, steps};
use crate::store::{Batch, Claim, Concurrency, Condition, Emit, Enqueue, Error, Op, Put, Store, Want};
use crate::wire::Json;

/// What a history leaves in the model.
async fn lived(steps: Vec<Step>) -> Contents {
    let clock = Clock::manual(START);
    let model = Memory::new(clock.clone());
    run(&model, &clock, steps).await;
    model.dump()
}

async fn run(store: &dyn Store, clock: &Clock, steps: Vec<Step>) {
    for Step { wait, ops } in steps {
        clock.advance(wait);
        // A refusal is part of a history.
        let _ = store.commit(Batch { at: clock.now(), ops }).await;
    }
}

fn dumped(contents: &Contents) -> Vec<u8> {
    let mut dump = Vec::new();
    write("core", contents, &mut dump, |_| {}).expect("memory takes it");
    dump
}

fn refused(dump: &[u8]) -> String {
    match read("core", dump, |_| {}) {
        Err(Flaw::Unfit(sentence)) => sentence,
        other => panic!("it was taken: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // Each case makes two schemas and three files.
        cases: 12,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn contents_are_the_same_after_a_move_between_any_two_stores(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let folder = tempfile::tempdir().expect("a folder");
            let file = |name: &str| folder.path().join(name);
            let space = Space::shared();
            let clock = Clock::manual(START);
            let open = |path| Embedded::open(Options {
                path: Some(path),
                clock: clock.clone(),
                owner: "me".to_owned(),
                name: "transfer".to_owned(),
            }).expect("it opens");
            let embedded = open(file("first.db"));
            run(&embedded, &clock, steps.clone()).await;
            embedded.close().await;
            let (first, _) = Embedded::dump(&file("first.db")).expect("it is read");
            prop_assert_eq!(&first, &lived(steps).await);
            prop_assert_eq!(violations(&first), Vec::<String>::new());
            let back = read("core", dumped(&first).as_slice(), |_| {}).expect("it is whole");
            prop_assert_eq!(&back, &first);

            // Around all: file to PostgreSQL, to PostgreSQL, to memory, to a file, to a file, to memory, to PostgreSQL.
            let moved = to_postgres(&space, &first).await;
            let moved = to_memory(&clock, &to_postgres(&space, &moved).await);
            let moved = to_file(&file("third.db"), &to_file(&file("second.db"), &moved));
            let moved = to_postgres(&space, &to_memory(&clock, &to_memory(&clock, &moved))).await;
            prop_assert_eq!(&to_file(&file("fourth.db"), &moved), &first);
            space.end().await;
            Ok(())
        })?;
    }
}

async fn to_postgres(space: &Space, contents: &Contents) -> Contents {
    let schema = space.schema();
    Postgres::restore(space.database(), &schema, contents)
        .await
        .expect("it takes them");
    Postgres::dump(space.database(), &schema).await.expect("it is read").0
}

fn to_file(path: &std::path::Path, contents: &Contents) -> Contents {
    Embedded::restore(path, contents).expect("it takes them");
    Embedded::dump(path).expect("it is read").0
}

fn to_memory(clock: &Clock, contents: &Contents) -> Contents {
    let store = Memory::new(clock.clone());
    store.restore(contents).expect("it takes them");
    store.dump()
}

/// A little of much: two writes of a key, an event, a job that runs.
async fn little() -> Contents {
    let put = |value: &str| {
        Op::Put(Put {
            namespace: "app".to_owned(),
            key: "a".to_owned(),
            value: Json::parse(value).expect("JSON"),
            condition: Condition::Any,
            expires_at: None,
        })
    };
    let ops = vec![
        put("1"),
        put("{\n  \"two\": 2\n}"),
        Op::Emit(Emit {
            id: "e1".to_owned(),
            topic: "t".to_owned(),
            data: None,
            trace: None,
        }),
        Op::Enqueue(Box::new(Enqueue {
            max_attempts: 1,
            // A factor that a reader of JSON is likely to round.
            backoff: Backoff {
                factor: 0.1 + 0.2,
                ..Backoff::default()
            },
            ..Enqueue::new("j1", "send")
        })),
        Op::Claim(Claim {
            owner: "me".to_owned(),
            wants: vec![Want {
                name: "send".to_owned(),
                slots: 1,
                rate: None,
            }],
            limit: 1,
            early: false,
        }),
    ];
    lived(vec![Step {
        wait: Duration::ZERO,
        ops,
    }])
    .await
}

#[tokio::test]
async fn a_dump_that_is_cut_short_is_refused_wherever_it_was_cut() {
    let dump = dumped(&little().await);
    for end in 0..dump.len() - 1 {
        let said = refused(&dump[..end]);
        assert!(said.contains("dump"), "cut at {end}: {said}");
    }
    assert!(refused(&dump[..0]).contains("cut short"));
    assert_eq!(
        read("core", dump.as_slice(), |_| {}).expect("it is whole"),
        little().await
    );
}

#[tokio::test]
async fn a_dump_that_was_edited_is_refused() {
    let dump = String::from_utf8(dumped(&little().await)).expect("it is text");
    let edited = dump.replace("\"e1\"", "\"e2\"");
    assert_ne!(edited, dump);
    assert!(refused(edited.as_bytes()).contains("not as it was written"));
    let lines: Vec<&str> = dump.lines().collect();
    let fewer = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    assert!(refused(fewer.as_bytes()).contains("not as it was written"));
    assert!(refused(format!("{dump}{{}}\n").as_bytes()).contains("goes on"));
}

#[tokio::test]
async fn a_dump_of_another_format_or_service_is_refused_by_name() {
    let dump = String::from_utf8(dumped(&little().await)).expect("it is text");
    assert!(refused(dump.replacen("\"format\":1", "\"format\":2", 1).as_bytes()).contains("format 2"));
    assert!(refused(b"hello\n").contains("no dump"));
    let other = read("api", dump.as_bytes(), |_| {}).expect_err("it is core's");
    assert!(other.to_string().contains("of the service core, not of api"), "{other}");
}

#[tokio::test]
async fn each_broken_rule_is_named() {
    let whole = little().await;
    assert_eq!(violations(&whole), Vec::<String>::new());
    let broken = |change: fn(&mut Contents), said: &str| {
        let mut contents = whole.clone();
        change(&mut contents);
        let faults = violations(&contents).join("; ");
        assert!(faults.contains(said), "{said}: {faults}");
    };
    broken(|all| all.meta.events = 7, "counts 7 events and holds 1");
    broken(|all| all.meta.kept.events += 1, "bytes of events and holds");
    broken(|all| all.meta.kept.changes -= 1, "bytes of changes and holds");
    broken(|all| all.meta.kept.jobs = 5, "counts 5 bytes of ended jobs and holds 0");
    broken(
        |all| all.jobs[0].attempt_bytes = 9,
        "the job j1 counts 9 bytes of attempts and has 0",
    );
    broken(|all| all.events[0].seq = 1, "another row's too");
    broken(|all| all.meta.event_head = 2, "not past 0 and up to 2");
    broken(|all| all.entries[0].1.version = 9, "not what its last change says");
    broken(|all| drop(all.entries.pop()), "though its last change, 2, wrote it");
    broken(|all| drop(all.changes.remove(1)), "not what its last change says");
    broken(|all| all.jobs[0].owner = None, "runs for nobody");
    broken(|all| all.jobs.push(all.jobs[0].clone()), "two jobs or schedules");
    broken(|all| all.changes.reverse(), "changes are not in order");
    broken(
        |all| {
            let mut twin = all.jobs[0].clone();
            (twin.id, twin.seq, twin.unique_key) = ("j2".to_owned(), 9, Some("k".to_owned()));
            all.jobs[0].unique_key = Some("k".to_owned());
            all.jobs.push(twin);
        },
        "two living jobs have the unique key k",
    );
    broken(
        |all| {
            let key = Concurrency {
                key: "k".to_owned(),
                limit: 1,
            };
            all.jobs[0].concurrency = Some(key);
            let mut twin = all.jobs[0].clone();
            (twin.id, twin.seq) = ("j2".to_owned(), 9);
            all.jobs.push(twin);
        },
        "2 jobs of the key k run, and it allows 1",
    );
    broken(
        |all| all.jobs[0].turn = Some(START),
        "is running and has a turn in the queue of a key",
    );
}

#[tokio::test]
async fn what_could_be_no_stores_and_what_is_not_empty_is_refused_by_every_backend() {
    let (whole, space, clock) = (little().await, Space::shared(), Clock::manual(START));
    let folder = tempfile::tempdir().expect("a folder");
    let (path, schema, memory) = (folder.path().join("store.db"), space.schema(), Memory::new(clock));
    let mut broken = whole.clone();
    broken.jobs[0].owner = None;
    for (contents, said) in [
        (&broken, "runs for nobody"),
        (&whole, ""),
        (&whole, "holds data already"),
    ] {
        for answer in [
            memory.restore(contents),
            Embedded::restore(&path, contents),
            Postgres::restore(space.database(), &schema, contents).await,
        ] {
            match answer {
                Ok(()) => assert!(said.is_empty(), "{said}"),
                Err(Error::Unusable(sentence)) => assert!(!said.is_empty() && sentence.contains(said), "{sentence}"),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    let missing = Postgres::dump(space.database(), "no_such_schema")
        .await
        .expect_err("it is not there");
    assert!(missing.to_string().contains("no_such_schema"), "{missing}");
    space.end().await;
}
