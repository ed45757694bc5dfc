//! Who comes: by whom a request is counted before anything is done for it, and who it is by what is no token of the fleet's own.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::Instant;

use super::Inner;
use crate::admission::{Quota, Turn, Who};
use crate::auth::{Access, Caller};
use crate::config::Secret;
use crate::context::{Context, RequestInfo};
use crate::error::Error;
use crate::service::RouteKind;

/// What is known of a request before its credential is looked at.
pub(super) struct Arrival {
    pub(super) begun: Instant,
    /// Whether it was let in on a place that is kept for control.
    pub(super) reserved: bool,
    pub(super) client: Option<IpAddr>,
    /// What it shows that may be no token of the fleet's own.
    pub(super) shown: Option<String>,
}

impl Inner {
    /// Where the caller stands: of all its requests, and of this sort of them. Who is turned away for the one is not counted for the other.
    pub(super) fn turns(&self, who: Option<&Who>, now: Instant) -> [Option<(Turn, &Quota)>; 2] {
        let Some(who) = who.filter(|_| self.rule.kind != RouteKind::Probe) else {
            return [None, None];
        };
        let of_all = self.kernel.admission.ask(who, now);
        let refused = of_all.as_ref().is_some_and(|(turn, _)| turn.wait.is_some());
        let class = self.rule.class.filter(|_| !refused);
        let of_class = class.and_then(|class| self.kernel.admission.ask_for(class, who, now));
        [of_all, of_class]
    }

    /// Who it is by something that is no token of the fleet's own. From here on that is known of them and what they showed is not, lest it be
    /// passed on; also where nobody is asked.
    pub(super) async fn identify(
        &self,
        caller: &mut Caller,
        shown: Option<String>,
        host: Option<String>,
    ) -> Result<(), Error> {
        let Some(identify) = &self.kernel.identify else {
            return Ok(());
        };
        let Some(shown) = shown.filter(|shown| identify.takes(shown)) else {
            return Ok(());
        };
        caller.credential = None;
        if self.kernel.gate.is_open() || self.rule.access == Access::Public {
            return Ok(());
        }
        // Which of the service's names was used, and nothing else of the request: it is made for nobody yet.
        let info = RequestInfo {
            host,
            ..RequestInfo::default()
        };
        let context = Context::new(Arc::clone(&self.kernel)).within(Arc::new(info));
        caller.principal = Some(identify.identify(context, Secret::new(shown)).await?);
        Ok(())
    }
}
