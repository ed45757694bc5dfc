//! Events between services: the kernel's own methods, who is told of what, and the tasks that push.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use crate::auth::{Need, Word};
use crate::context::{Context, EventContext, Kernel, ServedMethod};
use crate::contract::{Payload, delivery};
use crate::error::{Error, Kind, Result};
use crate::health::{CheckOutcome, NamedCheck};
use crate::service::Service;
use crate::subscription::{Declared, Subscriptions};
use crate::wire::{Deliver, Delivered, Renew, Renewed, Subscribe, Subscribed};

/// The subscriptions of a service; their handlers get the kernel as soon as it is put together.
pub(super) fn declared(service: &Service, cell: &Arc<OnceLock<Arc<Kernel>>>) -> Vec<Declared> {
    let subscriptions = service.subscriptions.iter();
    subscriptions
        .map(|subscription| {
            let (handler, cell) = (Arc::clone(&subscription.handler), Arc::clone(cell));
            Declared {
                source: subscription.source.to_owned(),
                event: subscription.event.to_owned(),
                from_start: subscription.options.from_start,
                max_attempts: subscription.options.max_attempts,
                backoff: subscription.options.backoff,
                handler: Arc::new(move |arrival| match cell.get() {
                    Some(kernel) => handler(EventContext::new(Context::new(Arc::clone(kernel)), arrival)),
                    None => Box::pin(async { Err(Error::unavailable("the service is not put together yet")) }),
                }),
            }
        })
        .collect()
}

/// The check `subscriptions`: degraded while a source refuses this service its events. One that is down is none of it: it is subscribed to
/// when it comes up.
pub(super) fn check(cell: &Arc<OnceLock<Arc<Kernel>>>) -> NamedCheck {
    let cell = Arc::clone(cell);
    NamedCheck {
        name: "subscriptions".to_owned(),
        critical: false,
        check: Arc::new(move || {
            let refused = cell.get().map(|kernel| kernel.subscriptions.inbox.refused());
            let said: Vec<String> = refused
                .unwrap_or_default()
                .into_iter()
                .map(|(source, why)| format!("{source} refuses its events: {why}"))
                .collect();
            let outcome = match said.is_empty() {
                true => CheckOutcome::Ok,
                false => CheckOutcome::Degraded(said.join("; ")),
            };
            Box::pin(std::future::ready(Ok(outcome)))
        }),
    }
}

/// The kernel's own methods.
pub(super) fn methods() -> [(&'static str, Arc<ServedMethod>); 3] {
    [
        method(
            delivery::DELIVER,
            "Pushes the next events of a subscription to its subscriber; the kernel's own.",
            deliver,
        ),
        method(
            delivery::RENEW,
            "Says that a source began a new log, so that its subscribers subscribe again; the kernel's own.",
            renew,
        ),
        method(
            delivery::SUBSCRIBE,
            "Registers a service for events of this one, to be pushed to it; the kernel's own.",
            subscribe,
        ),
    ]
}

fn method<P, R, F, Fut>(name: &'static str, description: &'static str, handler: F) -> (&'static str, Arc<ServedMethod>)
where
    P: Payload,
    R: Payload,
    F: Fn(Context, P) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    let served = ServedMethod::new(name, description, true, handler);
    (name, Arc::new(served.control(true)))
}

async fn deliver(context: Context, deliver: Deliver) -> Result<Delivered> {
    speaks_for_itself(&context, &deliver.source)?;
    let inbox = &context.kernel().subscriptions.inbox;
    inbox.check(&deliver, &context.registry().get(&deliver.source)?.name)?;
    inbox.deliver(deliver).await
}

async fn renew(context: Context, renew: Renew) -> Result<Renewed> {
    speaks_for_itself(&context, &renew.source)?;
    Ok(Renewed {
        subscriptions: context.kernel().subscriptions.inbox.renew(&renew.source),
    })
}

async fn subscribe(context: Context, subscribe: Subscribe) -> Result<Subscribed> {
    speaks_for_itself(&context, &subscribe.subscriber)?;
    for wanted in &subscribe.subscriptions {
        context.allow(&Need::filtered(Word::EventRead, Some(&wanted.event)))?;
    }
    context.kernel().subscriptions.outbox.subscribe(subscribe).await
}

/// A service delivers its own events and subscribes for itself. Who it is its token says; where the gate is open, it says so itself.
fn speaks_for_itself(context: &Context, key: &str) -> Result<()> {
    let registry = context.registry();
    let named = registry.get(key)?;
    let caller = context.request().caller.service.as_deref();
    if caller.is_some_and(|caller| caller == named.key || caller == named.name) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        format!(
            "this is for {} alone, by its token or, where none is asked for, by X-Service-Name",
            named.name
        ),
    ))
}

/// Starts what pushes, and what keeps this service's own subscriptions known at their sources.
pub(super) fn run(kernel: &Arc<Kernel>) {
    if !kernel.settings.features.events {
        return;
    }
    let scope = &kernel.scope;
    let outbox = kernel.subscriptions.outbox.clone();
    scope.spawn_background("push-subscriptions", outbox.run(scope.clone()));
    for source in kernel.subscriptions.inbox.sources() {
        let (subscriptions, key, rpc) = parts(kernel);
        scope.spawn_background("subscribe", async move {
            subscriptions.keep_registered(&key, &rpc, &source).await;
        });
    }
}

/// Tells callers of a log that begins now; called when the doors are open, so that they can subscribe again.
pub(super) fn tell_when_open(kernel: &Arc<Kernel>) {
    if !kernel.settings.features.events || !kernel.new_log {
        return;
    }
    let (subscriptions, key, rpc) = parts(kernel);
    let registry = kernel.registry.clone();
    kernel.scope.spawn_background("tell-of-new-log", async move {
        subscriptions.tell_of_a_new_log(&key, &registry, &rpc).await;
    });
}

fn parts(kernel: &Kernel) -> (Subscriptions, String, crate::rpc::Client) {
    (
        kernel.subscriptions.clone(),
        kernel.record.key.clone(),
        kernel.rpc.clone(),
    )
}
