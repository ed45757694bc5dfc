//! Consumers that pull together.

use super::*;
use crate::wire::{Fetch, Fetched, Settlement};

fn fetch(max: usize) -> Fetch {
    Fetch {
        event: Some("user:*".to_owned()),
        max: Some(max),
        from: Some("start".to_owned()),
        ..Fetch::default()
    }
}

fn all_of(fetched: &Fetched) -> Settlement {
    Settlement {
        lease: fetched.lease.clone().expect("a lease"),
        cursors: None,
        error: None,
    }
}

fn texts(fetched: &Fetched) -> Vec<String> {
    fetched
        .events
        .iter()
        .map(|event| {
            let data = event.event.data.as_ref().expect("data");
            data.to().expect("a text")
        })
        .collect()
}

async fn with_events(texts: &[&str]) -> (World, Life) {
    let world = World::new();
    let core = world.core().await;
    for text in texts {
        world.emit(text).await;
        emit(&world.core, &world.clock, "unwanted", "x").await;
    }
    (world, core)
}

#[tokio::test(start_paused = true)]
async fn consumers_of_a_group_share_the_work() {
    let (_world, core) = with_events(&["a", "b", "c"]).await;
    let groups = &core.subscriptions.groups;
    let first = groups.fetch("mail", &fetch(2)).await.expect("it fetches");
    let second = groups.fetch("mail", &fetch(2)).await.expect("it fetches");
    assert_eq!(
        (texts(&first), texts(&second)),
        (vec!["a".into(), "b".into()], vec!["c".into()])
    );
    let group = groups.get("mail").await.expect("the group");
    assert_eq!((group.outstanding, group.lag), (3, 0));
    groups.acknowledge("mail", &all_of(&second)).await.expect("it is taken");
    // What another still holds keeps the cursor where it is.
    let before: u64 = first.events[0].cursor.parse().expect("a number");
    let cursor = groups.get("mail").await.expect("the group").cursor;
    assert_eq!(cursor, (before - 1).to_string());
    groups.acknowledge("mail", &all_of(&first)).await.expect("it is taken");
    assert_eq!(
        groups.get("mail").await.expect("the group").cursor,
        second.events[0].cursor
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_acknowledged_in_time_is_given_to_another() {
    let (_world, core) = with_events(&["a"]).await;
    let groups = &core.subscriptions.groups;
    let slow = groups.fetch("mail", &fetch(9)).await.expect("it fetches");
    let waiting = Fetch {
        wait: Some(30_000),
        ..fetch(9)
    };
    let again = groups.fetch("mail", &waiting).await.expect("it fetches");
    assert_eq!((texts(&again), again.events[0].delivery), (vec!["a".into()], 2));
    // The first consumer's word counts no more.
    assert_eq!(
        groups
            .acknowledge("mail", &all_of(&slow))
            .await
            .expect("it answers")
            .events,
        0
    );
    assert_eq!(
        groups
            .acknowledge("mail", &all_of(&again))
            .await
            .expect("it answers")
            .events,
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_fetch_gets_an_event_as_it_comes_and_writes_nothing_before() {
    let (world, core) = with_events(&[]).await;
    let groups = &core.subscriptions.groups;
    let waiting = Fetch {
        wait: Some(30_000),
        ..fetch(9)
    };
    groups.fetch("mail", &fetch(9)).await.expect("it makes the group");
    let commits = core.fault.counts().commits;
    let later = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(core.fault.counts().commits, commits);
        world.emit("a").await;
    };
    let (fetched, ()) = tokio::join!(groups.fetch("mail", &waiting), later);
    assert_eq!(texts(&fetched.expect("it fetches")), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_acknowledges_becomes_a_dead_letter_and_comes_back_when_redriven() {
    let (_world, core) = with_events(&["bad", "good"]).await;
    let (groups, dead) = (&core.subscriptions.groups, &core.subscriptions.dead);
    for delivery in 1..=super::super::group::DELIVERIES_MAX {
        let fetched = groups.fetch("mail", &fetch(1)).await.expect("it fetches");
        assert_eq!(
            (texts(&fetched), fetched.events[0].delivery),
            (vec!["bad".into()], delivery)
        );
        let released = Settlement {
            error: Some("cannot read it".to_owned()),
            ..all_of(&fetched)
        };
        groups.release("mail", &released).await.expect("it is released");
    }
    let next = groups.fetch("mail", &fetch(9)).await.expect("it fetches");
    assert_eq!(texts(&next), ["good"]);
    groups.acknowledge("mail", &all_of(&next)).await.expect("it is taken");
    let letters = dead.list(Some("mail"), None, 10).await.expect("a list").letters;
    assert!(letters[0].error.contains("cannot read it"), "{}", letters[0].error);

    let mended = Json::of("mended").expect("a text");
    dead.edit(&letters[0].id, Some(mended)).await.expect("it is edited");
    assert_eq!(
        dead.redrive(&letters[0].id).await.expect("it is queued").outcome,
        "queued"
    );
    assert!(dead.edit(&letters[0].id, None).await.is_err(), "it is on its way");
    let again = groups.fetch("mail", &fetch(9)).await.expect("it fetches");
    assert_eq!(texts(&again), ["mended"]);
    groups.acknowledge("mail", &all_of(&again)).await.expect("it is taken");
    assert!(dead.list(None, None, 10).await.expect("a list").letters.is_empty());
    assert_eq!(groups.get("mail").await.expect("the group").dead, 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_can_be_moved_to_any_place() {
    let (world, core) = with_events(&["a", "b"]).await;
    let groups = &core.subscriptions.groups;
    let all = groups.fetch("mail", &fetch(9)).await.expect("it fetches");
    let place = all.events[0].cursor.clone();
    groups.seek("mail", "start").await.expect("it moves");
    assert_eq!(
        texts(&groups.fetch("mail", &fetch(9)).await.expect("it fetches")),
        ["a", "b"]
    );
    groups.seek("mail", &place).await.expect("it moves");
    assert_eq!(
        texts(&groups.fetch("mail", &fetch(9)).await.expect("it fetches")),
        ["b"]
    );
    groups.seek("mail", "end").await.expect("it moves");
    assert!(
        groups
            .fetch("mail", &fetch(9))
            .await
            .expect("it fetches")
            .events
            .is_empty()
    );
    let moment = world.clock.now().to_rfc3339();
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.emit("c").await;
    groups.seek("mail", &moment).await.expect("it moves");
    assert_eq!(
        texts(&groups.fetch("mail", &fetch(9)).await.expect("it fetches")),
        ["c"]
    );
    assert!(groups.seek("mail", "yesterday").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_group_reads_one_thing_and_is_told_so() {
    let (_world, core) = with_events(&["a"]).await;
    let groups = &core.subscriptions.groups;
    groups.fetch("mail", &fetch(9)).await.expect("it fetches");
    let other = Fetch {
        event: Some("order:*".to_owned()),
        ..Fetch::default()
    };
    let refused = groups.fetch("mail", &other).await.expect_err("it reads another thing");
    assert!(refused.message().contains("user:*"), "{refused}");
    assert!(groups.fetch("Not A Name", &fetch(1)).await.is_err());
    groups.delete("mail").await.expect("it is deleted");
    assert_eq!(
        groups.get("mail").await.expect_err("it is gone").code(),
        "GROUP_NOT_FOUND"
    );
}
