use std::collections::BTreeMap;
use std::sync::Arc;

use syscall_sdk::audit::{chain, clean};
use syscall_sdk::context::EventContext;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::{AuditEntry, AuditHead, AuditOutcome, AuditRecord, Timestamp};
use tokio::sync::Mutex;

use super::{HEAD, NAMESPACE, key};

/// Appending takes turns in this process, so that nine sources do not contend for one head; between replicas the store decides.
pub(super) type Turn = Arc<Mutex<()>>;

/// Tries of an entry while another replica appends.
const ATTEMPTS: usize = 16;
/// What is put before a record whose forerunners were lost.
const LOST: &str = "audit.lost";

/// Appends a record of a source, in the commit that notes its event as taken. The entry names who delivered it, whatever it says itself,
/// and keeps the bounds of a record, whatever the source kept.
pub(super) async fn append(turn: Turn, context: EventContext, source: &'static str, record: AuditRecord) -> Result<()> {
    let record = record.clamped();
    let service = context.registry().get(source)?.name.clone();
    let chain = context.namespace(NAMESPACE)?;
    let _turn = turn.lock().await;
    for _ in 0..ATTEMPTS {
        let (head, condition) = head(&chain).await?;
        let mut batch = context.batch();
        let mut last = head;
        let lost = context.gap().then(|| lost(&service));
        for record in lost.into_iter().chain([record.clone()]) {
            let entry = chain::append(&last, entry(&context, &service, record))?;
            batch = batch.put(&chain, &key(entry.sequence), &entry, Condition::Absent);
            last = chain::head_of(&entry);
        }
        match batch.put(&chain, HEAD, &last, condition).commit().await {
            Ok(_) => return Ok(()),
            // Somebody appended in between, or took this very event.
            Err(error) if error.code() == "VERSION_CONFLICT" => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::conflict("the chain is appended to by too many at once"))
}

/// Where the chain ends, and the condition under which it still does.
pub(super) async fn head(chain: &State) -> Result<(AuditHead, Condition)> {
    let Some(kept) = chain.entry(HEAD).await? else {
        return Ok((chain::empty(), Condition::Absent));
    };
    let head = kept
        .value
        .to()
        .map_err(|error| Error::internal("the chain's head cannot be read").with_source(error))?;
    Ok((head, Condition::Revision(kept.revision)))
}

fn entry(context: &EventContext, service: &str, record: AuditRecord) -> AuditEntry {
    let event = context.event();
    AuditEntry {
        action: record.action,
        actor: record.actor,
        address: record.address,
        at: event.timestamp,
        count: record.count,
        details: record.details,
        event: clean(&event.id),
        hash: String::new(),
        outcome: record.outcome,
        previous: String::new(),
        reason: record.reason,
        received: Some(Timestamp(context.clock().now())),
        sequence: 0,
        service: service.to_owned(),
        source_sequence: context.sequence(),
        target: record.target,
        trace: record.trace,
    }
}

/// A trail with a hole says so.
fn lost(service: &str) -> AuditRecord {
    AuditRecord {
        action: LOST.to_owned(),
        actor: "kernel".to_owned(),
        address: None,
        count: 1,
        details: BTreeMap::new(),
        outcome: AuditOutcome::Failed,
        reason: Some("the service dropped records before they were taken, or lost its store".to_owned()),
        target: format!("service/{service}"),
        trace: None,
    }
}
