//! What a route tells of what it answered.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;

use super::Inner;
use crate::http::respond::Refused;
use crate::service::RouteKind;

impl Inner {
    pub(super) fn count(&self, response: &Response, took: Duration) {
        if response.extensions().get::<Refused>().is_some() {
            self.shed.one();
            if self.kernel.admission.is_news() {
                self.kernel.scope.span().in_scope(|| self.tell_of_refusals());
            }
        }
        if self.rule.kind != RouteKind::Probe {
            let traffic = &self.kernel.traffic;
            traffic.requests.one();
            traffic.took.record(took);
            if response.status().is_server_error() {
                traffic.errors.one();
            }
        }
        self.took.record(took);
        self.by_class[class(response.status())].one();
    }

    fn tell_of_refusals(&self) {
        let admission = &self.kernel.admission;
        tracing::warn!(
            in_flight = admission.in_flight(),
            limit = admission.limit(),
            streams = admission.streams(),
            waits = admission.waits(),
            shed = self.shed.get(),
            "requests are turned away before any work, such as {}; more replicas, or less work in each, would take them",
            self.name
        );
    }
}

fn class(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, 5) - 1
}
