//! Refusals, told to the trail once a minute rather than one by one.

use std::sync::Arc;
use std::time::Duration;

use crate::context::{Context, Kernel};

/// How long refusals are gathered. A process that is killed loses at most these.
const WINDOW: Duration = Duration::from_secs(60);
/// Between tries while the store takes nothing.
const AGAIN: Duration = Duration::from_secs(5);

/// Starts telling them; where nobody is refused it does nothing.
pub(super) fn tell(kernel: &Arc<Kernel>) {
    // The scope holds the kernel's tasks, not the other way round.
    let (denials, weak) = (kernel.denials.clone(), Arc::downgrade(kernel));
    kernel.scope.spawn_background("tell-denials", async move {
        loop {
            denials.noted().await;
            tokio::time::sleep(WINDOW).await;
            let Some(kernel) = weak.upgrade() else { return };
            flush(&kernel).await;
        }
    });
}

/// Tells what was gathered, again until the store has it.
pub(super) async fn flush(kernel: &Arc<Kernel>) {
    let records = kernel.denials.take();
    if records.is_empty() {
        return;
    }
    let context = Context::new(Arc::clone(kernel));
    loop {
        let batch = records
            .iter()
            .cloned()
            .fold(context.batch(), |batch, record| batch.audit(record));
        match batch.commit().await {
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(error = %error.chain(), "refused calls could not be put on the record; trying again");
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}
