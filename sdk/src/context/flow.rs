use std::fmt;
use std::ops::Deref;

use super::Context;
use crate::workflow::Handle;

/// A service, and the run of a workflow that its code is: steps, waits, calls, jobs and children, each done once. Everything of
/// [`Handle`] is at hand.
///
/// ```
/// # use std::time::Duration;
/// # use serde::{Deserialize, Serialize};
/// # use syscall_sdk::contract::{Flow, Method, Task};
/// # use syscall_sdk::{context::FlowContext, error::{Error, Result}, service::Service};
/// # use utoipa::ToSchema;
/// #[derive(Clone, Serialize, Deserialize, ToSchema)]
/// struct Order { id: String, cents: u64 }
/// #[derive(Serialize, Deserialize, ToSchema)]
/// struct Shipped { parcel: String }
///
/// const FULFIL: Flow<Order, Shipped> = Flow::new("core", "fulfil");
/// const CHARGE: Method<Order, String> = Method::new("api", "charge", "Charges an order.");
/// const REFUND: Method<String, ()> = Method::new("api", "refund", "Gives the money back.").idempotent();
/// const PACK: Task<Order, Shipped> = Task::new("core", "pack");
///
/// async fn fulfil(flow: FlowContext, order: Order) -> Result<Shipped> {
///     let charge = flow.call(&CHARGE, &order).await?;
///     let (context, charged) = (flow.context().clone(), charge.clone());
///     flow.compensate("refund", move || {
///         let (context, charge) = (context.clone(), charged.clone());
///         async move { context.call(&REFUND, charge).await }
///     });
///     match flow.signal::<bool>("approve", Duration::from_secs(3 * 86_400)).await? {
///         Some(true) => flow.job(&PACK, &order).await,
///         _ => Err(Error::conflict("nobody approved").with_code("NOT_APPROVED")),
///     }
/// }
///
/// let service = Service::new("core", "1.0.0").flow(FULFIL, fulfil);
/// ```
#[derive(Clone)]
pub struct FlowContext {
    context: Context,
    handle: Handle,
}

impl FlowContext {
    /// A service running a workflow.
    pub fn new(context: Context, handle: Handle) -> Self {
        FlowContext { context, handle }
    }

    /// The service, for what is done inside a step. Outside one, what is done with it is done again at every replay.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

impl Deref for FlowContext {
    type Target = Handle;
    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl fmt::Debug for FlowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowContext")
            .field("context", &self.context)
            .field("handle", &self.handle)
            .finish()
    }
}
