//! The one connection that hears of the commits of other processes.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::AsyncMessage;

use super::database::Hub;
use super::notify::{self, CHANNEL};
use crate::policy::{Backoff, jitter};

/// Between tries to listen; meanwhile the poll finds out.
const RECONNECT: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(30));
/// How long connecting and asking to be told may take together.
const DEADLINE: Duration = Duration::from_secs(10);

/// Listens for ever.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut failures = 0;
    loop {
        let heard = hear(&hub).await;
        failures = if heard { 1 } else { failures + 1 };
        hub.listening.send_replace(false);
        tokio::time::sleep(RECONNECT.wait(failures, jitter())).await;
    }
}

/// Listens until the connection ends; says whether it came to listening.
async fn hear(hub: &Hub) -> bool {
    let target = &hub.pool.target;
    let connected = tokio::time::timeout(DEADLINE, target.config.connect(target.tls.clone())).await;
    let Ok(Ok((client, mut connection))) = connected else {
        return false;
    };
    let driven = async {
        loop {
            match poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(told))) => {
                    for (schema, heads) in notify::read(told.payload()) {
                        hub.heard(schema, heads);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    };
    let asked = async {
        let asking = tokio::time::timeout(DEADLINE, client.batch_execute(&format!("LISTEN {CHANNEL}"))).await;
        if !matches!(asking, Ok(Ok(()))) {
            return;
        }
        // What was told before this connection listened is looked up once.
        let _ = hub.look().await;
        hub.listening.send_replace(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = driven => {}
        () = asked => {}
    }
    *hub.listening.borrow()
}
