//! What a service has where it lists the capability: pipes; and the operator's mesh.

use serde_json::json;

use super::probe::Probe;
use super::reply::{Is, has};
use super::rule::{Rule, Verdict, ensure, rule, skip};

pub(super) const RULES: &[Rule] = &[
    rule!(Pipes Ours Required, "a pipe without an upgrade is refused", "Ours: GET /v1/sys/pipe/{name} with an upgrade", pipe),
    rule!(Mesh Ours Required, "the operator serves mesh.announce, mesh.signOff and mesh.list", "Ours: mesh", mesh),
    rule!(Mesh Ours Required, "mesh.list gives every service of the registry with its processes", "Ours: `mesh.list {}`", roster),
];

async fn pipe(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/pipe/conform").await?;
    ensure((400..500).contains(&reply.status), || reply.shown())?;
    reply.is_error()
}

/// The methods of the operator; only it has a mesh.
async fn methods(probe: &Probe) -> Verdict<Vec<String>> {
    if probe.record().is_none_or(|record| record.role != "operator") {
        return skip("this is not the operator");
    }
    let reply = probe.get("/v1/sys/rpc").await?;
    reply.has(200, &[("methods", Is::Array)])?;
    let methods = reply.json["methods"].as_array().into_iter().flatten();
    let names: Vec<String> = methods
        .filter_map(|method| method["name"].as_str().map(str::to_owned))
        .collect();
    if names.is_empty() {
        return skip("this operator serves no methods at all");
    }
    Ok(names)
}

async fn mesh(probe: &Probe) -> Verdict {
    let names = methods(probe).await?;
    for wanted in ["mesh.announce", "mesh.signOff", "mesh.list"] {
        ensure(names.iter().any(|name| name == wanted), || {
            format!("{wanted} is not among {names:?}")
        })?;
    }
    Ok(())
}

async fn roster(probe: &Probe) -> Verdict {
    methods(probe).await?;
    let reply = probe.call(&json!({ "method": "mesh.list", "params": {} })).await?;
    reply.has(200, &[("result.services", Is::Array)])?;
    let services = reply.json["result"]["services"].as_array().cloned().unwrap_or_default();
    for key in probe.registry.keys() {
        let listed = services.iter().find(|service| service["key"] == *key);
        let Some(service) = listed else {
            return super::rule::fail(format!("{key} is not on the roster"));
        };
        has(
            service,
            &[("service", Is::Word), ("role", Is::Word), ("instances", Is::Array)],
        )?;
    }
    Ok(())
}
