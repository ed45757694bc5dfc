//! Who would stumble over what is broken.

use syscall_sdk::auth::{Right, Word};
use syscall_sdk::registry::{Registry, ServiceRecord};

use super::{Break, Kind};

/// The services that may make a call which is broken, by the registry: those that call the service and whose rights name methods of it only
/// if they name this one. Who has no right of its own to any method passes the credential of another on, and may call whatever that may.
/// Of a route nobody in the fleet is known to use it.
pub(crate) fn callers<'a>(registry: &'a Registry, callee: &str, broken: &Break) -> Vec<&'a str> {
    match broken.kind {
        Kind::Route => Vec::new(),
        Kind::Method => registry
            .services()
            .filter(|caller| caller.key != callee && caller.calls.iter().any(|called| called == callee))
            .filter(|caller| may_call(caller, callee, &broken.operation))
            .map(|caller| caller.key.as_str())
            .collect(),
    }
}

fn may_call(caller: &ServiceRecord, callee: &str, method: &str) -> bool {
    let Some(said) = caller.rights.get(callee).or_else(|| caller.rights.get("*")) else {
        return true;
    };
    let mut rights = said
        .iter()
        .filter_map(|text| text.parse::<Right>().ok())
        .filter(|right| right.word == Word::Rpc)
        .map(|right| right.at(callee))
        .peekable();
    rights.peek().is_none() || rights.any(|right| right.covers(&Right::rpc(callee, method)))
}
