//! What right a request needs, as far as its verb and path tell: the token that goes along says no more.

use http::Method as Verb;

use crate::auth::{Purpose, Word};

/// What a request to a service is for. A path that is none of the contract's is the service's own.
pub fn purpose(verb: &Verb, path: &str) -> Purpose<'static> {
    let read = verb.is_safe();
    let Some(rest) = path.strip_prefix("/v1/sys/") else {
        return match path {
            "/health" | "/version" | "/healthz" | "/readyz" | "/v1/" => Purpose::Nothing,
            _ if path.starts_with("/.well-known/") => Purpose::Nothing,
            "/metrics" => Purpose::Of(Word::MetricsRead),
            _ if path.starts_with("/.well-known/") => Purpose::Nothing,
            // The identity provider wants to know which of its clients asks.
            _ if path.starts_with("/oauth/") => Purpose::Oneself,
            // The tree and the shell ask the others in their reader's name.
            _ if path == "/v1/fs" || path.starts_with("/v1/fs/") || path.starts_with("/v1/shell/") => Purpose::Relayed,
            _ => Purpose::Anything,
        };
    };
    let (family, below) = rest.split_once('/').unwrap_or((rest, ""));
    let last = below.rsplit('/').next().unwrap_or_default();
    let word = match family {
        "identity" | "health" | "version" | "config" => return Purpose::Nothing,
        "rpc" if read => Word::OpenapiRead,
        "rpc" => Word::Rpc,
        "event" => Word::EventEmit,
        "events" if read => Word::EventRead,
        // The first fetch reads too.
        "events" if last == "fetch" => return Purpose::Anything,
        "events" => Word::EventConsume,
        "job" | "jobs" | "schedules" if read => Word::JobRead,
        "job" | "jobs" => match last {
            "cancel" => Word::JobCancel,
            "pause" | "resume" => Word::JobPause,
            _ => Word::JobCreate,
        },
        "workflow" | "workflows" if read => Word::WorkflowRead,
        "workflow" if last == "cancel" => Word::WorkflowCancel,
        "workflow" if below.contains("/signal/") => Word::WorkflowSignal,
        "workflow" => Word::WorkflowStart,
        "state" if read => Word::StateRead,
        "state" => Word::StateWrite,
        "pipe" => Word::PipeOpen,
        "logs" => Word::LogsRead,
        "log" => Word::LogsWrite,
        "metrics" => Word::MetricsRead,
        "metric" => Word::MetricsWrite,
        "traces" | "trace" => Word::TracesRead,
        "why" => Word::WhyRead,
        "peers" => Word::PeersRead,
        "openapi.json" => Word::OpenapiRead,
        "revocations" if read => Word::RevocationRead,
        _ => return Purpose::Anything,
    };
    Purpose::Of(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_along_the_right_that_its_route_asks_for() {
        for (verb, path, word) in [
            (Verb::GET, "/v1/sys/rpc", Word::OpenapiRead),
            (Verb::POST, "/v1/sys/rpc", Word::Rpc),
            (Verb::POST, "/v1/sys/job/7/cancel", Word::JobCancel),
            (Verb::POST, "/v1/sys/job/7/retry", Word::JobCreate),
            (Verb::GET, "/v1/sys/job/7", Word::JobRead),
            (Verb::POST, "/v1/sys/workflow/7/signal/paid", Word::WorkflowSignal),
            (Verb::PUT, "/v1/sys/state", Word::StateWrite),
            (Verb::GET, "/v1/sys/state/watch", Word::StateRead),
            (Verb::GET, "/v1/sys/events/dead/7", Word::EventRead),
            (Verb::POST, "/v1/sys/events/groups/g/ack", Word::EventConsume),
            (Verb::GET, "/metrics", Word::MetricsRead),
        ] {
            assert_eq!(purpose(&verb, path), Purpose::Of(word), "{verb} {path}");
        }
        assert_eq!(purpose(&Verb::GET, "/v1/sys/identity"), Purpose::Nothing);
        assert_eq!(purpose(&Verb::POST, "/oauth/token"), Purpose::Oneself);
        assert_eq!(purpose(&Verb::POST, "/v1/sys/commit"), Purpose::Anything);
        assert_eq!(purpose(&Verb::POST, "/v1/workflows"), Purpose::Anything);
        assert_eq!(purpose(&Verb::GET, "/v1/fs/core/state"), Purpose::Relayed);
    }
}
