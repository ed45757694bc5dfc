//! What is pushed, when, and what becomes of what cannot be handled.

use super::*;
use crate::store::Retention;

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_nothing_happens() {
    let world = World::new();
    let core = world.core().await;
    let _api = world.api(counting(&world.api, &world.clock)).await;
    world.emit("a").await;
    settle().await;
    let calls = world.calls();
    let commits = core.fault.counts().commits;
    for _ in 0..24 {
        settle().await;
    }
    // What others do with the store, and events that nobody wants, cause no call either.
    emit(&world.core, &world.clock, "other", "x").await;
    settle().await;
    assert_eq!((world.calls(), core.fault.counts().commits), (calls, commits));
    world.emit("b").await;
    settle().await;
    assert_eq!(world.calls(), calls + 1);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_may_come_up_before_its_source() {
    let world = World::new();
    let api = world.api(counting(&world.api, &world.clock)).await;
    assert!(!api.subscriptions.list().await.expect("a list").incoming[0].registered);
    let _core = world.core().await;
    world.emit("a").await;
    settle().await;
    assert_eq!(world.effects(&world.api).await, [("a".to_owned(), 1)]);
    assert!(api.subscriptions.list().await.expect("a list").incoming[0].registered);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_subscription_is_delivered_where_that_is_asked() {
    let world = World::new();
    let _core = world.core().await;
    world.emit("a").await;
    let from_start = Declared {
        from_start: true,
        ..declared("core", counting(&world.api, &world.clock))
    };
    let _api = world.live("api", &world.api, vec![from_start], None).await;
    assert_eq!(world.effects(&world.api).await, [("a".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_poison_event_is_tried_laid_aside_and_redriven_once_it_is_mended() {
    let world = World::new();
    let _core = world.core().await;
    let api = world.api(counting(&world.api, &world.clock)).await;
    world.emit("bad").await;
    world.emit("good").await;
    settle().await;
    // It held up the one behind it, and no longer than its attempts.
    assert_eq!(world.effects(&world.api).await, [("good".to_owned(), 1)]);
    let dead = &api.subscriptions.dead;
    let letters = dead.list(None, None, 10).await.expect("a list").letters;
    assert_eq!((letters.len(), letters[0].attempts), (1, 3));
    assert_eq!(letters[0].holder, "core/user:created");
    assert!(letters[0].error.contains("it is bad"), "{}", letters[0].error);

    let failed = dead.redrive(&letters[0].id).await.expect_err("it is bad still");
    assert_eq!(failed.code(), "REDRIVE_FAILED");
    let mended = Json::of("mended").expect("a text");
    dead.edit(&letters[0].id, Some(mended)).await.expect("it is edited");
    assert_eq!(
        dead.redrive(&letters[0].id).await.expect("it is handled").outcome,
        "handled"
    );
    let effects = world.effects(&world.api).await;
    assert_eq!(effects, [("good".to_owned(), 1), ("mended".to_owned(), 1)]);
    assert!(dead.list(None, None, 10).await.expect("a list").letters.is_empty());
    let incoming = api.subscriptions.list().await.expect("a list").incoming;
    assert_eq!((incoming[0].dead, incoming[0].failures), (0, 0));
    assert!(
        api.metrics
            .exposition()
            .contains("subscription_dead_total{source=\"core\",subscription=\"user:created\"} 1")
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_dropped_is_gone_and_counted_no_more() {
    let world = World::new();
    let _core = world.core().await;
    let api = world.api(counting(&world.api, &world.clock)).await;
    world.emit("bad").await;
    settle().await;
    let dead = &api.subscriptions.dead;
    let letter = dead.list(Some("core/user:created"), None, 10).await.expect("a list");
    assert!(
        dead.list(Some("another"), None, 10)
            .await
            .expect("a list")
            .letters
            .is_empty()
    );
    dead.drop_letter(&letter.letters[0].id).await.expect("it is dropped");
    assert_eq!(
        dead.get(&letter.letters[0].id).await.expect_err("it is gone").code(),
        "DEAD_LETTER_NOT_FOUND"
    );
    assert_eq!(api.subscriptions.list().await.expect("a list").incoming[0].dead, 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_takes_its_own_events_without_a_call() {
    let world = World::new();
    let own = vec![declared("core", counting(&world.core, &world.clock))];
    let _core = world.live("core", &world.core, own, None).await;
    let calls = world.calls();
    world.emit("a").await;
    settle().await;
    assert_eq!(world.effects(&world.core).await, [("a".to_owned(), 1)]);
    assert_eq!(world.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_has_failed_like_any_other() {
    let world = World::new();
    let _core = world.core().await;
    let api = world.api(Arc::new(|_| Box::pin(async { panic!("on purpose") }))).await;
    world.emit("a").await;
    settle().await;
    let letters = api
        .subscriptions
        .dead
        .list(None, None, 10)
        .await
        .expect("a list")
        .letters;
    assert!(letters[0].error.contains("on purpose"), "{}", letters[0].error);
}

#[tokio::test(start_paused = true)]
async fn what_retention_ate_is_told_to_the_handler() {
    let world = World::new();
    let _core = world.core().await;
    world.api(counting(&world.api, &world.clock)).await.die().await;
    for text in ["a", "b", "c"] {
        world.emit(text).await;
    }
    let keep_one = Retention {
        events_max: 1,
        ..Retention::KEEP_ALL
    };
    let prune = Batch::new(world.clock.now()).with(keep_one);
    world.core.commit(prune).await.expect("it prunes");
    let seen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seen);
    let handler: EventHandler = Arc::new(move |arrival: Arrival| {
        counted.fetch_add(1 + 10 * u64::from(arrival.gap), Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    });
    // The pusher has stood still since the subscriber went; it asks the floor anew when it comes through again.
    let _api = world.api(handler).await;
    settle().await;
    assert_eq!(seen.load(Ordering::SeqCst), 11);
}

#[tokio::test(start_paused = true)]
async fn data_too_large_to_be_pushed_is_a_dead_letter_and_holds_up_nothing() {
    let world = World::new();
    let _core = world.core().await;
    let api = world.api(counting(&world.api, &world.clock)).await;
    world.emit(&"x".repeat(600 * 1024)).await;
    world.emit("a").await;
    settle().await;
    assert_eq!(world.effects(&world.api).await, [("a".to_owned(), 1)]);
    let letters = api
        .subscriptions
        .dead
        .list(None, None, 10)
        .await
        .expect("a list")
        .letters;
    assert!(letters[0].error.contains("TOO_LARGE") && letters[0].event.data.is_none());
}
