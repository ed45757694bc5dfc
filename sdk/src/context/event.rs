use std::fmt;
use std::ops::Deref;

use super::{Commit, Context};
use crate::store::Seq;
use crate::subscription::Arrival;
use crate::wire::Event;

/// A service, and the event of a subscription that a handler takes. Everything of [`Context`] is at hand.
#[derive(Clone)]
pub struct EventContext {
    context: Context,
    arrival: Arrival,
}

impl EventContext {
    /// A service taking an event.
    pub fn new(context: Context, arrival: Arrival) -> Self {
        EventContext { context, arrival }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.arrival.event
    }

    /// The event's place in its source's log.
    pub fn sequence(&self) -> Seq {
        self.arrival.sequence
    }

    /// Which try this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.arrival.attempt
    }

    /// Whether events before this one were lost to this subscription: retention dropped them before they could be delivered, or the
    /// source lost its store. What is built from every event must be built anew then.
    pub fn gap(&self) -> bool {
        self.arrival.gap
    }

    /// A write of several things at once, and with them that this event was handled: its effect on the service's own state, events
    /// and jobs happens once, however often the event is delivered. One commit of this kind an event; a handler that makes none is
    /// noted as done when it returns, and runs again where the process dies in between.
    pub fn batch(&self) -> Commit {
        Commit::advancing(self.context.clone(), self.arrival.advance.clone())
    }
}

impl Deref for EventContext {
    type Target = Context;
    fn deref(&self) -> &Context {
        &self.context
    }
}

impl fmt::Debug for EventContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext")
            .field("context", &self.context)
            .field("arrival", &self.arrival)
            .finish()
    }
}
