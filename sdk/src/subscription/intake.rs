use super::Inbox;
use crate::error::{Error, Kind, Result};
use crate::name::TopicFilter;
use crate::wire::Deliver;

impl Inbox {
    /// Refuses a delivery that is not its source's own word, or not what was asked for. Who delivers was found out before: `name` is the
    /// registry name of the source. It is taken whole or not at all.
    ///
    /// # Errors
    /// `FORBIDDEN` where an event bears another service's name; `INVALID_ARGUMENT` where one is of a name that was not subscribed to, or
    /// out of its place in the log; `SUBSCRIPTION_NOT_FOUND`.
    pub fn check(&self, deliver: &Deliver, name: &str) -> Result<()> {
        self.held(&format!("{}/{}", deliver.source, deliver.id))?;
        let wanted = TopicFilter::parse(Some(&deliver.id))?;
        let mut last = deliver.after;
        for delivery in &deliver.events {
            let event = &delivery.event;
            if event.source != name {
                return Err(Error::new(
                    Kind::Forbidden,
                    format!(
                        "{name} delivers its own events alone, and this one says that it is of {:?}",
                        event.source
                    ),
                ));
            }
            if !wanted.matches(&event.event) {
                return Err(Error::invalid(format!(
                    "{:?} is none of the events that {:?} asks for",
                    event.event, deliver.id
                )));
            }
            if delivery.sequence <= last || delivery.sequence > deliver.head {
                return Err(Error::invalid(format!(
                    "the event at {} cannot come after {last} in a log that ends at {}",
                    delivery.sequence, deliver.head
                )));
            }
            last = delivery.sequence;
        }
        Ok(())
    }
}
