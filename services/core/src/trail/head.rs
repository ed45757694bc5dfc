use blackroad_os_contracts::audit;
use syscall_sdk::context::JobContext;
use syscall_sdk::error::Result;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::AuditHead;

use super::{NAMESPACE, append};

/// The head that was told last.
const TOLD: &str = "told";

/// Emits where the chain ends, and puts it into the log, if it has grown since the last time. Whatever takes the log or the event
/// elsewhere keeps a head that nobody who reaches core's store can change.
pub(super) async fn tell(context: JobContext, (): ()) -> Result<AuditHead> {
    let chain = context.namespace(NAMESPACE)?;
    let (head, _) = append::head(&chain).await?;
    let told: Option<AuditHead> = chain.get(TOLD).await?;
    if head.sequence > 0 && told.as_ref() != Some(&head) {
        let batch = context.batch().put(&chain, TOLD, &head, Condition::Any);
        batch.emit(&audit::HEAD, &head).commit().await?;
        tracing::info!(sequence = head.sequence, hash = head.hash, "the audit trail ends here");
    }
    Ok(head)
}
