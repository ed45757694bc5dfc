//! What a stream of results promises, whichever way it goes.

use futures_util::StreamExt;
use syscall_sdk::error::{Kind, Origin};
use tokio::time::timeout;

use super::world::{COUNT, FAIL, HANG, LOOK, PANIC, PATIENCE, Way, World};
use crate::support::Text;

pub(super) async fn results_come_one_by_one_as_they_are_given(way: Way) {
    let world = World::start(way).await;
    let counted: Vec<_> = world.api.call_stream(&COUNT, &1_000).await.unwrap().collect().await;
    let counted: Vec<u32> = counted.into_iter().map(Result::unwrap).collect();
    assert_eq!(counted, (1..=1_000).collect::<Vec<_>>());
    let none: Vec<_> = world.api.call_stream(&COUNT, &0).await.unwrap().collect().await;
    assert!(none.is_empty());
    // A result is there before the next one is.
    let mut slow = world.api.call_stream(&HANG, &()).await.unwrap();
    assert_eq!(timeout(PATIENCE, slow.next()).await.unwrap().unwrap().unwrap(), 1);
    world.stop().await;
}

pub(super) async fn a_caller_that_drops_the_stream_cancels_the_handler(way: Way) {
    let world = World::start(way).await;
    let mut results = world.api.call_stream(&HANG, &()).await.unwrap();
    assert_eq!(results.next().await.unwrap().unwrap(), 1);
    assert!(world.seen.ended.borrow().is_none());
    drop(results);
    assert_eq!(world.ended().await, "dropped");
    world.stop().await;
}

pub(super) async fn an_error_is_the_last_item_with_its_kind_and_code(way: Way) {
    let world = World::start(way).await;
    let mut items: Vec<_> = world.api.call_stream(&FAIL, &()).await.unwrap().collect().await;
    let error = items.pop().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::NotFound, "NO_THIRD"));
    assert_eq!(error.message(), "there is no third");
    assert_eq!(items.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [1, 2]);
    world.stop().await;
}

pub(super) async fn a_method_that_cannot_begin_answers_as_any_call_does(way: Way) {
    let world = World::start(way).await;
    let text = "ghost".to_owned();
    let error = world.api.call_stream(&LOOK, &Text { text }).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::NotFound, "NOT_THERE"));
    assert_eq!(
        (error.message(), error.origin()),
        ("there is no ghost", Origin::Handler)
    );
    world.stop().await;
}

pub(super) async fn params_that_do_not_fit_are_refused_as_any_calls_are(way: Way) {
    let world = World::start(way).await;
    let wrong: syscall_sdk::contract::StreamMethod<Text, u32> =
        syscall_sdk::contract::StreamMethod::new("core", "countTo", "");
    let text = "seven".to_owned();
    let error = world.api.call_stream(&wrong, &Text { text }).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Invalid, "INVALID_PARAMS"));
    world.stop().await;
}

pub(super) async fn a_panic_in_a_stream_is_its_last_item(way: Way) {
    let world = World::start(way).await;
    let items: Vec<_> = world.api.call_stream(&PANIC, &()).await.unwrap().collect().await;
    assert_eq!(items.len(), 2);
    assert_eq!(items[1].as_ref().unwrap_err().code(), "PANIC");
    let after: Vec<_> = world.api.call_stream(&COUNT, &3).await.unwrap().collect().await;
    assert_eq!(after.len(), 3, "the service goes on");
    world.stop().await;
}

pub(super) async fn a_service_that_shuts_down_breaks_its_streams(way: Way) {
    let world = World::start(way).await;
    let mut results = world.api.call_stream(&HANG, &()).await.unwrap();
    assert_eq!(results.next().await.unwrap().unwrap(), 1);
    let stopping = tokio::spawn(world.shut_core_down());
    let error = timeout(PATIENCE, results.next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.code(), "STREAM_BROKEN");
    assert!(results.next().await.is_none());
    assert_eq!(stopping.await.unwrap(), Vec::<String>::new());
}
