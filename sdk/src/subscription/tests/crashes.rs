//! Either side dies at every commit that it makes, and comes back.

use super::*;

/// More commits than either side makes while three events go through.
const BOUNDARIES: u64 = 12;

fn once_each() -> Vec<(String, u64)> {
    ["a", "b", "c"].map(|text| (text.to_owned(), 1)).to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_dies_at_any_commit_has_each_effect_once() {
    for boundary in 0..BOUNDARIES {
        let world = World::new();
        let _core = world.core().await;
        // The first life subscribes; the second dies.
        world.api(counting(&world.api, &world.clock)).await.die().await;
        let fault = Arc::new(Fault::new(Arc::clone(&world.api) as Arc<dyn Store>));
        fault.die_after(boundary);
        let handler = counting_through(Arc::clone(&fault) as Arc<dyn Store>, &world.clock);
        for text in ["a", "b", "c"] {
            world.emit(text).await;
        }
        let mortal = world
            .live("api", &world.api, vec![declared("core", handler)], Some(boundary))
            .await;
        mortal.die().await;
        let _api = world.api(counting(&world.api, &world.clock)).await;
        assert_eq!(world.effects(&world.api).await, once_each(), "boundary {boundary}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_dies_at_any_commit_delivers_each_effect_once() {
    for boundary in 0..BOUNDARIES {
        let world = World::new();
        world.core().await.die().await;
        let _api = world.api(counting(&world.api, &world.clock)).await;
        let first = world.core().await;
        settle().await;
        first.die().await;
        for text in ["a", "b"] {
            world.emit(text).await;
        }
        let mortal = world.live("core", &world.core, Vec::new(), Some(boundary)).await;
        world.emit("c").await;
        settle().await;
        mortal.die().await;
        let _core = world.core().await;
        assert_eq!(world.effects(&world.api).await, once_each(), "boundary {boundary}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_repeat_no_effect() {
    let world = World::new();
    let core = world.core().await;
    let api = world.api(counting(&world.api, &world.clock)).await;
    core.fault.lose_answers(2, crate::store::fault::Failure::Busy);
    api.fault.lose_answers(2, crate::store::fault::Failure::Busy);
    for text in ["a", "b", "c"] {
        world.emit(text).await;
    }
    settle().await;
    assert_eq!(world.effects(&world.api).await, once_each());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_forgets_is_subscribed_to_again_and_tells_of_the_gap() {
    let mut world = World::new();
    let first = world.core().await;
    let gaps = Arc::new(AtomicU64::new(0));
    let (counted, inner) = (Arc::clone(&gaps), counting(&world.api, &world.clock));
    let handler: EventHandler = Arc::new(move |arrival| {
        counted.fetch_add(u64::from(arrival.gap), Ordering::SeqCst);
        inner(arrival)
    });
    let _api = world.api(handler).await;
    world.emit("a").await;
    settle().await;
    first.die().await;

    world.core = Arc::new(Memory::new(world.clock.clone()));
    world.emit("b").await;
    let _again = world.core().await;
    world.emit("c").await;
    settle().await;
    assert_eq!(world.effects(&world.api).await, once_each());
    assert_eq!(gaps.load(Ordering::SeqCst), 1);
}
