//! What a service's health is made of: its store, its queue, what it hears of, and the checks of its own.

use std::sync::{Arc, OnceLock};

use super::{deliveries, stall};
use crate::context::{Context, Kernel};
use crate::error::Error;
use crate::health::{CheckOutcome, NamedCheck};
use crate::jobs::Jobs;
use crate::service::Service;
use crate::store::Store;

/// Every check of a service; those of its own run once the cell holds its kernel.
pub(super) fn of(
    service: &Service,
    store: &Arc<dyn Store>,
    jobs: &Jobs,
    cell: &Arc<OnceLock<Arc<Kernel>>>,
) -> Vec<NamedCheck> {
    let store = Arc::clone(store);
    let database = NamedCheck {
        name: "database".to_owned(),
        critical: true,
        check: Arc::new(move || {
            let store = Arc::clone(&store);
            Box::pin(async move {
                Ok(if store.stats().await?.full {
                    CheckOutcome::Degraded(
                        "the disk is full: reads go on, writes are refused until there is room".to_owned(),
                    )
                } else {
                    CheckOutcome::Ok
                })
            })
        }),
    };
    let own = service.checks.iter().map(|check| {
        let (handler, cell) = (Arc::clone(&check.handler), Arc::clone(cell));
        NamedCheck {
            name: check.name.to_owned(),
            critical: check.critical,
            check: Arc::new(move || {
                let (handler, kernel) = (Arc::clone(&handler), cell.get().cloned());
                Box::pin(async move {
                    let kernel = kernel.ok_or_else(|| Error::unavailable("the service is not put together yet"))?;
                    handler(Context::new(kernel)).await
                })
            }),
        }
    });
    let queue = (!service.tasks.is_empty() || !service.flows.is_empty()).then(|| stall::check(jobs));
    let heard = (!service.subscriptions.is_empty()).then(|| deliveries::check(cell));
    std::iter::once(database).chain(queue).chain(heard).chain(own).collect()
}
