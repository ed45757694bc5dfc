//! An event that ends its subscriber's process each time it is handled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use syscall_sdk::config::Variables;
use syscall_sdk::context::{Context, EventContext};
use syscall_sdk::contract::Topic;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::store::Condition;

use crate::support::{Text, variables};

const SAID: Topic<Text> = Topic::new("core", "said");

/// Notes what it hears; one word ends its life, as a crash of the process would.
async fn hear(context: EventContext, said: Text, deaths: Arc<AtomicU32>) -> Result<()> {
    if said.text == "die" {
        deaths.fetch_add(1, Ordering::SeqCst);
        let mut heads = context.kernel().store.heads();
        context.kernel().scope.fail("test", "this word ends it");
        // The life's store is closed before this says anything, so nothing is written down of how it went.
        while heads.changed().await.is_ok() {}
        return Err(Error::unavailable("the process is gone"));
    }
    let heard = context.namespace("heard")?;
    context
        .batch()
        .put(&heard, &said.text, &1, Condition::Absent)
        .commit()
        .await?;
    Ok(())
}

async fn say(running: &Running, text: &str) {
    let context = Context::new(running.kernel("core").unwrap());
    context.emit(&SAID, &Text { text: text.to_owned() }).await.unwrap();
}

/// Asks the lives of api, one after the other, until one has what is wanted.
async fn until<T>(running: &Running, wanted: impl AsyncFn(Arc<syscall_sdk::context::Kernel>) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(kernel) = running.kernel("api")
                && let Some(found) = wanted(kernel).await
            {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found)
        .await
        .expect("it comes")
}

#[tokio::test]
async fn an_event_that_ends_its_subscriber_each_time_is_given_up_on_and_those_behind_it_come() {
    let directory = tempfile::tempdir().unwrap();
    let mut on_disk: Variables = variables(&[("DATA_DIR", directory.path().to_str().unwrap())]);
    on_disk.remove("AMNESIA");
    let deaths = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&deaths);
    let api = move || {
        let deaths = Arc::clone(&counted);
        Service::new("api", "1").on(SAID, move |context: EventContext, said: Text| {
            hear(context, said, Arc::clone(&deaths))
        })
    };
    let running = Host::new(on_disk)
        .mount(api)
        .mount(|| Service::new("core", "1"))
        .start(Vec::new())
        .await
        .unwrap();
    let core = running.kernel("core").unwrap();
    let mut heads = core.store.heads();
    while core.subscriptions.list().await.unwrap().outgoing.is_empty() {
        heads.changed().await.unwrap();
    }
    for text in ["hello", "die", "goodbye"] {
        say(&running, text).await;
    }
    let heard = |text: &'static str| {
        async move |kernel: Arc<syscall_sdk::context::Kernel>| {
            let heard = Context::new(kernel).namespace("heard").ok()?;
            heard.entry(text).await.ok()?
        }
    };
    until(&running, heard("hello")).await;
    until(&running, heard("goodbye")).await;
    let letters = until(&running, async |kernel| {
        kernel.subscriptions.dead.list(None, None, 10).await.ok()
    })
    .await
    .letters;
    let [letter] = letters.as_slice() else {
        panic!("one is given up on: {letters:?}")
    };
    assert!(
        letter.error.starts_with("PROCESS_ENDED") || letter.error.contains("while it handled this event"),
        "{}",
        letter.error
    );
    assert_eq!((letter.holder.as_str(), letter.attempts), ("core/said", 3));
    // The first life met it behind another event, and the three that were counted began with it.
    assert_eq!(deaths.load(Ordering::SeqCst), 4);
    assert_eq!(running.standings()["api"].borrow().restarts, 4);
    drop((core, heads));
    running.stop(DrainBudget::none(), "test").await;
}
